/** Tells scrapers the port on which the proxy serves metrics with mutual TLS. */
import { ANNOTATION, CONTAINER_NAME, VARIABLE } from '../../api/names.ts'
import { findInDraft } from '../draft.ts'
import { labelName } from '../prometheus-annotations.ts'
import type { PostStep } from './step.ts'

const SECURE_PORT_LABEL = labelName(ANNOTATION.prometheusSecurePort)

/** istiod: the variable's text is passed on unchecked. */
export const announceSecurePort: PostStep = (draft) => {
  if (Object.keys(draft.annotations).some((name) => labelName(name) === SECURE_PORT_LABEL)) return
  const env = findInDraft(draft, CONTAINER_NAME.proxy)?.env ?? []
  const port = env.find(({ name }) => name === VARIABLE.securePort)?.value ?? ''
  if (port !== '' && port !== '0') draft.annotations[ANNOTATION.prometheusSecurePort] = port
}

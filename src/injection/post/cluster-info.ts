/** Puts what the request path says of cluster and network into the proxy's environment. */
import { CONTAINER_NAME } from '../../api/names.ts'
import { findInDraft } from '../draft.ts'
import type { PostStep } from './step.ts'

/** The variables replace all of the same name and stand last, sorted. istiod: they beat a user's overrides too. */
export const overwriteClusterInfo: PostStep = (draft, { variables }) => {
  const sidecar = findInDraft(draft, CONTAINER_NAME.proxy)
  if (sidecar === undefined || variables.size === 0) return
  const kept = (sidecar.env ?? []).filter(({ name }) => !variables.has(name))
  const added = [...variables.keys()].sort().map((name) => ({ name, ...valueOf(variables.get(name)) }))
  sidecar.env = [...kept, ...added]
}

/** An empty value is left out of a typed variable. */
const valueOf = (value = ''): { value?: string } => (value === '' ? {} : { value })

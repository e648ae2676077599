/** Labels and annotations that mark an injected pod. */
import { ANNOTATION, LABEL, VARIABLE } from '../../api/names.ts'
import type { PostStep } from './step.ts'

/** Network label, status annotation, then the configured annotations. istiod: those may overwrite anything, the status too. */
export const writeMetadata: PostStep = (draft, { variables, status, injectedAnnotations }) => {
  const network = variables.get(VARIABLE.network)
  if (network !== undefined) draft.labels[LABEL.network] = network
  draft.annotations = { ...draft.annotations, [ANNOTATION.status]: status, ...injectedAnnotations }
}

/** The order of containers, which decides who starts first. */
import { CONTAINER_NAME } from '../../api/names.ts'
import type { Container } from '../../api/pod.ts'
import type { PostStep } from './step.ts'

const { proxy, init, validation, coreDump } = CONTAINER_NAME

/**
 * istio-proxy comes first when the application waits for it, else last, so that `kubectl exec` picks the application.
 * A native sidecar starts before all other init containers, so that they are part of the mesh. Without one, traffic is
 * redirected last, else the init containers would talk into a void.
 */
export const orderContainers: PostStep = (draft, { holdsApplication }) => {
  draft.containers = arrange(draft.containers, holdsApplication ? { first: [proxy] } : { last: [proxy] })
  const isNative = draft.initContainers.some(({ name }) => name === proxy)
  draft.initContainers = arrange(
    draft.initContainers,
    isNative ? { first: [init, validation, proxy, coreDump] } : { first: [validation], last: [init, coreDump] },
  )
}

function arrange(
  list: readonly Container[],
  { first = [], last = [] }: { first?: readonly string[]; last?: readonly string[] },
): Container[] {
  const named = (names: readonly string[]): Container[] =>
    names.flatMap((name) => list.filter((container) => container.name === name).slice(-1))
  const moved = new Set([...first, ...last])
  return [...named(first), ...list.filter(({ name = '' }) => !moved.has(name)), ...named(last)]
}

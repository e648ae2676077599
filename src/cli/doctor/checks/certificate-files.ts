/** Where the serving certificate comes from files: do renewed ones arrive? */
import type { Replica } from '../../installed/replicas.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { World } from '../world.ts'

type Seen = Pick<World, 'plan' | 'servedFiles' | 'replicas'>

export const certificateFiles = check({
  name: 'certificate files',
  reads: ['plan', 'servedFiles', 'replicas'],
  *run(world) {
    const { servedFiles, replicas } = world
    if (servedFiles?.isPinned === true || replicas.some(({ pinnedFiles }) => pinnedFiles > 0)) yield pinned(world)
    for (const replica of replicas) yield* stale(replica, world)
  },
})

const restart = ({ namespace, name }: World['plan']): string =>
  `kubectl -n ${namespace} rollout restart deployment/${name}`

function pinned({ plan, servedFiles }: Seen): Finding {
  const file = servedFiles === undefined ? 'a file of the serving certificate' : servedFiles.certFile
  return {
    code: 'CERTIFICATE_PINNED',
    subject: `deployment/${plan.name} -n ${plan.namespace}`,
    message: `${file} is mounted by subPath, and stays what it was when the pod started. Mount the whole volume; until then:`,
    next: restart(plan),
  }
}

function* stale({ pod, leaf }: Replica, { plan, servedFiles }: Seen): Iterable<Finding> {
  const wanted = servedFiles?.secretFingerprint
  if (leaf === undefined || wanted === undefined || leaf.fingerprint === wanted) return
  yield {
    code: 'CERTIFICATE_STALE',
    subject: `pod/${pod} -n ${plan.namespace}`,
    message: `it serves a certificate until ${new Date(leaf.notAfterMs).toISOString()}, Secret ${servedFiles?.secret ?? ''} holds another one; the kubelet needs two minutes at most`,
    next: restart(plan),
  }
}

/** Does the clock of every replica agree with the API server's? */
import { check } from '../check.ts'

const TOLERATED_MS = 300_000

export const replicaClocks = check({
  name: 'clocks of replicas',
  reads: ['plan', 'replicas'],
  *run({ plan, replicas }) {
    for (const { pod, node, clockSkewMs = 0 } of replicas) {
      if (Math.abs(clockSkewMs) <= TOLERATED_MS) continue
      const minutes = Math.round(Math.abs(clockSkewMs) / 60_000)
      const side = clockSkewMs < 0 ? 'behind' : 'ahead of'
      yield {
        code: 'REPLICA_CLOCK_SKEW',
        subject: `pod/${pod} -n ${plan.namespace}`,
        message: `its clock is ${minutes} min ${side} the API server's${node === undefined ? '' : `; the node is ${node}`}`,
        next:
          node === undefined
            ? `kubectl -n ${plan.namespace} get pod ${pod} -o wide`
            : `kubectl debug node/${node} -it --image=busybox -- chroot /host timedatectl set-ntp true`,
      }
    }
  },
})

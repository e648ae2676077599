/** Is there an authority, and how long will it last? */
import { authorityNeed } from '../../../certificates/authority.ts'
import type { AuthorityState } from '../../../certificates/authority.ts'
import { logs, ownCommand } from '../advice.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { World } from '../world.ts'

const HOUR_MS = 3_600_000
/** A change takes little more than a day. */
const LONGEST_CHANGE_MS = 48 * HOUR_MS

type Seen = Pick<World, 'plan' | 'authority' | 'nowMs'>

export const authority = check({
  name: 'certificate authority',
  reads: ['plan', 'authority', 'nowMs'],
  *run(world) {
    const { authority: stored, plan } = world
    const { namespace, secret } = plan
    const subject = `secret/${secret} -n ${namespace}`
    const look = `kubectl -n ${namespace} describe secret ${secret}`
    switch (stored.holds) {
      case 'nothing':
        yield {
          code: 'AUTHORITY_MISSING',
          subject,
          message: 'no such Secret; a server makes it at its start',
          next: logs(world),
        }
        return
      case 'foreign':
        yield { code: 'AUTHORITY_FOREIGN', subject, message: stored.why, next: look }
        return
      case 'broken':
        yield {
          code: 'AUTHORITY_BROKEN',
          subject,
          message: `${stored.why}; a running server repairs it`,
          next: logs(world),
        }
        return
      case 'state':
        yield* ages(stored.state, subject, world)
    }
  },
})

function* ages(state: AuthorityState, subject: string, world: Seen): Iterable<Finding> {
  const { plan, nowMs } = world
  const until = new Date(state.signer.certificate.notAfterMs).toISOString()
  const need = authorityNeed(state.signer, nowMs)
  if (need.do === 'replace') {
    const message = `generation ${state.generation} expired at ${until}, and no server has replaced it`
    const next = `kubectl -n ${plan.namespace} rollout restart deployment/${plan.name}`
    yield { code: 'AUTHORITY_EXPIRED', subject, message, next }
    return
  }
  if (need.do === 'rotate' && state.phase === 'stable') {
    const message = `generation ${state.generation} ends at ${until}; a running server renews it with a third of its life left`
    yield { code: 'AUTHORITY_NEAR_EXPIRY', subject, message, next: ownCommand('certs rotate', world) }
  }
  if (state.phase !== 'stable' && nowMs - state.phaseSinceMs > LONGEST_CHANGE_MS) {
    const message = `${state.phase} since ${new Date(state.phaseSinceMs).toISOString()}`
    yield { code: 'ROTATION_STUCK', subject, message, next: ownCommand('certs status', world) }
  }
}

/** What will happen next to an authority, and when. */
import type { AuthorityState } from '../../certificates/authority.ts'
import { authorityNeed } from '../../certificates/authority.ts'

export interface Forecast {
  readonly what: string
  /** Epoch milliseconds; in the past when it is due. */
  readonly atMs: number
}

const TRUST_DWELL_MS = 600_000
const RETIRE_DWELL_MS = 86_400_000

export function forecast(state: AuthorityState, nowMs: number): Forecast {
  const { generation, phase, phaseSinceMs, signer } = state
  const need = authorityNeed(signer, nowMs)
  if (need.do === 'replace') return { what: `generation ${generation + 1} replaces the expired one`, atMs: nowMs }
  switch (phase) {
    case 'stable':
      return { what: `generation ${generation + 1} is made`, atMs: need.do === 'wait' ? need.untilMs : nowMs }
    case 'trusting':
      return { what: 'the next authority signs', atMs: phaseSinceMs + TRUST_DWELL_MS }
    case 'switching':
      return { what: 'the former authority leaves every caBundle', atMs: phaseSinceMs + RETIRE_DWELL_MS }
  }
}

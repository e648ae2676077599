/** What will happen next to an authority, and when: the servers' own decision, asked about later times. */
import type { RotationSettings, RotationStep, RotationView } from '../../certificates/rotation.ts'
import { nextStep } from '../../certificates/rotation.ts'
import type { StoredAuthority } from '../../certificates/store.ts'

export interface Forecast {
  readonly what: string
  readonly why: string
  /** Epoch milliseconds, to the second; now when it is due. */
  readonly atMs: number
}

export type StoredState = StoredAuthority & { readonly holds: 'state' }

const SECOND_MS = 1000

export interface Outlook {
  /** Whether every configuration holds the stored bundle, as far as can be seen. */
  readonly isTrusted: boolean
  /** The servers'. */
  readonly settings: RotationSettings
  readonly nowMs: number
}

export function forecast(stored: StoredState, { isTrusted, settings, nowMs }: Outlook): Forecast {
  const { state } = stored
  // The dwell began when the servers saw it confirmed, which is not known here: not before the phase did.
  const confirmedSinceMs = isTrusted ? state.phaseSinceMs : undefined
  const live = { isReadable: true, generation: state.generation, confirmedSinceMs }
  const view: RotationView = { stored, memory: state, live, mayRotate: true, isClockSane: true, hasHesitated: true }
  const stepAt = (atMs: number): RotationStep => nextStep(view, atMs, settings)
  const atMs = firstActAfter(nowMs, state.signer.certificate.notAfterMs, stepAt)
  const step = stepAt(atMs)
  return { what: whatOf(step, state.generation), why: 'reason' in step ? step.reason : '', atMs }
}

/** With everything else as it is now, a step that is due stays due: so the first moment can be searched for. */
function firstActAfter(nowMs: number, endMs: number, stepAt: (atMs: number) => RotationStep): number {
  const acts = (atMs: number): boolean => stepAt(atMs).do !== 'keep'
  if (acts(nowMs)) return nowMs
  let [before, after] = [nowMs, Math.max(nowMs, endMs)]
  while (after - before > SECOND_MS) {
    const middle = (before + after) / 2
    if (acts(middle)) after = middle
    else before = middle
  }
  return Math.ceil(after / SECOND_MS) * SECOND_MS
}

function whatOf(step: RotationStep, generation: number): string {
  switch (step.do) {
    case 'begin':
      return `generation ${generation + 1} is made, and trusted beside the one that signs`
    case 'create':
      return `generation ${generation + 1} replaces the one that has expired`
    case 'promote':
      return `generation ${generation} signs`
    case 'retire':
      return `generation ${generation} is trusted alone`
    case 'restore':
    case 'adopt':
    case 'keep':
    case 'look':
    case 'hesitate':
      return 'nothing'
  }
}

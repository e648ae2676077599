/** One question to the world, and the run of all of them. */
import type { Finding } from './finding.ts'
import type { Readings, World } from './world.ts'

export interface Check {
  readonly name: string
  readonly reads: readonly (keyof World)[]
  readonly run: (world: World) => Iterable<Finding>
}

interface CheckOf<Part extends keyof World> {
  readonly name: string
  /** The parts of the world that it looks at; it is skipped when one of them could not be read. */
  readonly reads: readonly Part[]
  run(world: Pick<World, Part>): Iterable<Finding>
}

/** A check that can look at nothing but what it says it reads. */
export const check = <Part extends keyof World>(one: CheckOf<Part>): Check => one

export interface Diagnosis {
  readonly findings: readonly Finding[]
  /** Checks that could not be made, with the reason. */
  readonly skipped: readonly { readonly check: string; readonly why: string }[]
  readonly checks: number
}

export function diagnose(readings: Readings, checks: readonly Check[]): Diagnosis {
  const findings: Finding[] = []
  const skipped: { check: string; why: string }[] = []
  for (const { name, reads, run } of checks) {
    const why = reads.map((part) => readings[part]).find((reading) => 'unread' in reading)
    if (why !== undefined) skipped.push({ check: name, why: why.unread })
    else findings.push(...run(worldOf(readings)))
  }
  return { findings, skipped, checks: checks.length }
}

/** Parts that were not read are absent: no check that runs looks at them. */
function worldOf(readings: Readings): World {
  const read = Object.entries(readings).flatMap(([part, reading]) =>
    'value' in reading ? [[part, reading.value]] : [],
  )
  return Object.fromEntries(read) as World
}

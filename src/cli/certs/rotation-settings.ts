/** How the servers change authorities, as far as it can be known from outside: told by flags, by their Deployment, or preset. */
import type { Command } from 'commander'

import { parseDurationMs } from '../../base/duration.ts'
import { ProjectError } from '../../base/errors.ts'
import type { RotationSettings } from '../../certificates/rotation.ts'
import { DEFAULT_ROTATION } from '../../certificates/rotation.ts'
import { keyAlgorithmOf } from '../../certificates/x509.ts'
import type { CommandInput } from '../commands.ts'
import { findDeployment, servedOptions } from '../installed/served-options.ts'
import type { StoredState } from './forecast.ts'
import type { CertsPlace } from './store.ts'

export type KnownSettings = Partial<Pick<RotationSettings, 'trustDwellMs' | 'retireDwellMs' | 'keyAlgorithm'>>

export function addDwellFlags(command: Command): void {
  command
    .option('--trust-dwell <duration>', 'status, rotate: as serve has it (default: as the Deployment has it, or 10m)')
    .option('--retire-dwell <duration>', 'status, rotate: as serve has it (default: as the Deployment has it, or 24h)')
}

/** @throws ProjectError OPTION_INVALID */
export async function knownSettings(
  { cluster, plan }: CertsPlace,
  options: CommandInput['options'],
  signal: AbortSignal,
): Promise<KnownSettings> {
  const told = { ...dwell('trustDwellMs', options.trustDwell), ...dwell('retireDwellMs', options.retireDwell) }
  if (cluster === undefined) return told
  const served = servedOptions(await findDeployment(cluster.client, plan, signal))?.rotation
  if (served === undefined) return told
  const { trustDwellMs, retireDwellMs, keyAlgorithm } = served
  return { trustDwellMs, retireDwellMs, keyAlgorithm, ...told }
}

/** What nobody told is preset; the kind of key is taken to be wanted as it is. */
export function settingsFor({ state }: StoredState, known: KnownSettings): RotationSettings {
  const keyAlgorithm = keyAlgorithmOf(state.signer.key) ?? DEFAULT_ROTATION.keyAlgorithm
  return { ...DEFAULT_ROTATION, keyAlgorithm, ...known }
}

function dwell(name: 'trustDwellMs' | 'retireDwellMs', given: unknown): KnownSettings {
  if (typeof given !== 'string') return {}
  const valueMs = parseDurationMs(given)
  if (valueMs !== undefined && valueMs > 0) return { [name]: valueMs }
  const flag = name === 'trustDwellMs' ? 'trust-dwell' : 'retire-dwell'
  throw new ProjectError('OPTION_INVALID', `--${flag}: expected a duration such as 10m, got ${given}`)
}

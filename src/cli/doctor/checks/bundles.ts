/** Does every entry of ours trust the authority that signs now? */
import type { BundleVerdict } from '../../../certificates/trust.ts'
import { judgeTrust, readTrust } from '../../../certificates/trust.ts'
import { measureOf } from '../../certs/status.ts'
import type { Configuration } from '../../installed/configurations.ts'
import { ourEntries, titleOf } from '../../installed/configurations.ts'
import { ownCommand } from '../advice.ts'
import { check } from '../check.ts'
import type { FindingCode } from '../finding.ts'
import type { World } from '../world.ts'

/** `different` trusts the signer too: that is how a change of authority looks on its way. */
const CODES: Readonly<Record<BundleVerdict, FindingCode | undefined>> = {
  inSync: undefined,
  different: undefined,
  missing: 'BUNDLE_MISSING',
  unreadable: 'BUNDLE_UNREADABLE',
  foreign: 'BUNDLE_FOREIGN',
  outdated: 'BUNDLE_OUTDATED',
}

export const bundles = check({
  name: 'caBundle',
  reads: ['plan', 'configurations', 'authority'],
  *run(world) {
    const { plan, configurations, authority } = world
    if (authority.holds !== 'state') return
    const measure = measureOf(authority.state)
    for (const { configuration, entry } of ourEntries(configurations, plan)) {
      const { caBundle } = entry.clientConfig
      const trust = readTrust(caBundle, plan.name)
      const code = CODES[judgeTrust(caBundle, trust, measure)]
      if (code === undefined) continue
      const holds =
        trust.holds === 'authorities' ? trust.authorities.map(({ commonName }) => commonName).join(', ') : trust.holds
      yield {
        code,
        subject: `${titleOf(configuration)} ${entry.name}`,
        message: `caBundle holds ${holds}; expected ${authority.state.signer.certificate.commonName}`,
        next: publish(configuration, entry.name, world),
      }
    }
  },
})

function publish(configuration: Configuration, entry: string, world: Pick<World, 'plan'>): string {
  const bundle = `"$(${ownCommand('certs export', world)} | base64 -w0)"`
  const head = `{"webhooks":[{"name":"${entry}","clientConfig":{"caBundle":"`
  return `kubectl patch ${titleOf(configuration).replace('/', ' ')} -p '${head}'${bundle}'"}}]}'`
}

/** Does an istiod take our webhook configurations for its own? */
import type { Configuration } from '../../installed/configurations.ts'
import { isOurs, ourEntries, titleOf } from '../../installed/configurations.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { Deployment, World } from '../world.ts'
import { ISTIOD_MANAGER, ownersOfBundles } from './field-managers.ts'

export const istiod = check({
  name: 'istiod',
  reads: ['plan', 'configurations', 'istiods'],
  *run({ plan, configurations, istiods }) {
    const ours = new Set(ourEntries(configurations, plan).map(({ configuration }) => configuration))
    for (const configuration of ours) {
      const owner = ownersOfBundles(configuration, plan).find(({ manager }) => manager === ISTIOD_MANAGER)
      const running = istiods.find((one) => revisionOf(one) === revisionOf(configuration))
      if (owner !== undefined) yield patched(configuration, { owner: owner.entries.join(', '), running, plan })
      else if (running !== undefined && isOurs(configuration, plan)) yield wouldPatch(configuration, running, plan)
    }
  },
})

const revisionOf = ({ metadata: { labels = {} } }: Configuration | Deployment): string | undefined =>
  labels['istio.io/rev']

function patched(
  configuration: Configuration,
  { owner, running, plan }: { owner: string; running: Deployment | undefined; plan: World['plan'] },
): Finding {
  return {
    code: 'ISTIOD_PATCHES',
    subject: titleOf(configuration),
    message: `istiod (${ISTIOD_MANAGER}) wrote caBundle of ${owner}, as the label istio.io/rev=${revisionOf(configuration) ?? ''} makes it its own`,
    next: stopPatching(running, plan),
  }
}

function wouldPatch(configuration: Configuration, running: Deployment, plan: World['plan']): Finding {
  return {
    code: 'ISTIOD_WOULD_PATCH',
    subject: titleOf(configuration),
    message: `it carries istio.io/rev=${revisionOf(configuration) ?? ''}, the revision of deployment/${running.metadata.name}, which writes its authority into such configurations`,
    next: stopPatching(running, plan),
  }
}

/** istiod: either variable only has to be empty. */
function stopPatching(running: Deployment | undefined, { istioNamespace }: World['plan']): string {
  const { name = 'istiod', namespace = istioNamespace } = running?.metadata ?? {}
  return `kubectl -n ${namespace} set env deployment/${name} INJECTION_WEBHOOK_CONFIG_NAME= VALIDATION_WEBHOOK_CONFIG_NAME=`
}

/** The next commands that several checks recommend. */
import type { Configuration } from '../installed/configurations.ts'
import { isOurs } from '../installed/configurations.ts'
import { namingFlags } from '../installed/names.ts'
import type { PartName } from '../manifests/render.ts'
import type { World } from './world.ts'

/** Writes a part of the installation again, with the tags and the address that it has now. */
export function reapply({ plan, configurations }: Pick<World, 'plan' | 'configurations'>, part: PartName): string {
  const ours = configurations.filter((one) => isOurs(one, plan))
  const tags = ours.flatMap(({ metadata: { labels = {} } }) => labels['mesh-admission.io/tag'] ?? [])
  const url = ours.flatMap(({ webhooks }) => webhooks).find(({ clientConfig }) => clientConfig.url)?.clientConfig.url
  const flags = [
    namingFlags(plan),
    ...tags.map((tag) => ` --tag ${tag}`),
    ours.some(hasIstiodName) ? ' --webhook-names istio' : '',
    ours.some(takesUnlabelled) ? ' --enable-namespaces-by-default' : '',
    url === undefined ? '' : ` --url ${url.replace(/\/(?:inject|validate)$/, '')}`,
  ].join('')
  return `mesh-admission manifests${flags} --part ${part} | kubectl apply -f -`
}

export const ownCommand = (verb: string, { plan }: Pick<World, 'plan'>): string =>
  `mesh-admission ${verb}${namingFlags(plan)}`

export const logs = ({ plan: { namespace, name } }: Pick<World, 'plan'>): string =>
  `kubectl -n ${namespace} logs deployment/${name} --tail=50`

/** A JSON text as one argument of a shell. */
export const shellJson = (value: unknown): string => `'${JSON.stringify(value).replaceAll("'", "'\\''")}'`

const takesUnlabelled = ({ webhooks }: Configuration): boolean =>
  webhooks.some(({ name }) => name.startsWith('auto.sidecar-injector.'))

const hasIstiodName = ({ metadata: { name } }: Configuration): boolean => /^(?:istio-|istiod-)/.test(name)

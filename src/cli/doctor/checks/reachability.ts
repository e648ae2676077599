/** Does the API server reach the webhook, in time, and does a pod come back with its sidecar? */
import type { Configuration, Entry } from '../../installed/configurations.ts'
import { addressOf, isOurEntry, titleOf } from '../../installed/configurations.ts'
import { betterPath } from '../../installed/entry-path.ts'
import { logs, ownCommand } from '../advice.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { Probe, World } from '../world.ts'
import { isPodSecurity } from './pod-security.ts'
import { webhookPort } from './service.ts'

type Seen = Pick<World, 'plan' | 'configurations' | 'probes' | 'provider' | 'deployment'>

const DEFAULT_TIMEOUT_SECONDS = 10

export const reachability = check({
  name: 'reachability',
  reads: ['plan', 'configurations', 'probes', 'provider', 'deployment'],
  *run(world) {
    for (const probe of world.probes) {
      const finding = probe.outcome.is === 'created' ? judgeCreated(probe, world) : judgeRefused(probe, world)
      if (finding !== undefined) yield finding
    }
  },
})

function judgeCreated(probe: Probe, world: Seen): Finding | undefined {
  const { configuration, namespace, tookMs, outcome } = probe
  const entry = entryOf(probe, world)
  const limitMs = (entry.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000
  const isInjected = outcome.is === 'created' && outcome.isInjected
  const seconds = (tookMs / 1000).toFixed(1)
  const subject = `${titleOf(configuration)} ${entry.name}`
  if (isInjected && tookMs <= limitMs / 2) return undefined
  if (isInjected)
    return {
      code: 'WEBHOOK_SLOW',
      subject,
      message: `a pod in ${namespace} took ${seconds} s of ${limitMs / 1000}`,
      next: logs(world),
    }
  // failurePolicy Ignore: the pod is let through once the time is over.
  if (tookMs >= limitMs) return blocked({ configuration, entry, words: `no answer within ${seconds} s` }, world)
  const message = `a pod in namespace ${namespace} was created without a sidecar; ${whyPassed(entry)}`
  return { code: 'POD_NOT_INJECTED', subject, message, next: logs(world) }
}

/** Conditions are the API server's to evaluate, and it does not tell what came of them. */
function whyPassed({ matchConditions = [] }: Entry): string {
  if (matchConditions.length === 0) return 'the log tells the reason'
  const names = matchConditions.map(({ name }) => name).join(', ')
  return `matchConditions (${names}) may have let it pass; where they did not, the log tells the reason`
}

/** What Go says when nobody answers, in the order of what is tried. */
const NO_ANSWER = /context deadline exceeded|i\/o timeout|Client\.Timeout|TLS handshake timeout|timed out/
const NO_CONNECTION =
  /connection refused|no route to host|network is unreachable|no such host|service "[^"]*" not found|no endpoints available|connection reset|EOF/
/** Kubernetes' word for a 404 of the webhook. */
const NO_SUCH_PATH = /could not find the requested resource/
const NO_TRUST = /x509:|tls:|certificate/

function judgeRefused(probe: Probe, world: Seen): Finding | undefined {
  const { configuration, namespace, outcome } = probe
  if (outcome.is !== 'refused' || isPodSecurity(outcome.words)) return undefined
  const { words } = outcome
  if (failingWebhook(words) !== undefined && !isOwnEntry(failingWebhook(words), world)) {
    const message = `another webhook refuses pods in namespace ${namespace}: ${words}`
    return {
      code: 'POD_REFUSED',
      subject: `namespace/${namespace}`,
      message,
      next: `kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration`,
    }
  }
  const entry = entryOf(probe, world)
  const failed = judgeCall({ configuration, entry, words }, world)
  if (failed !== undefined || hasWrongPath(words, entry, configuration)) return failed
  return { code: 'POD_REFUSED', subject: `namespace/${namespace}`, message: words, next: logs(world) }
}

/** A call of an entry of ours that failed, in the API server's words. */
export interface Failure {
  readonly configuration: Configuration
  readonly entry: Entry
  readonly words: string
}

type Surroundings = Pick<World, 'plan' | 'provider' | 'deployment'>

/** What a failed call tells; undefined where the words are of something else. */
export function judgeCall(failure: Failure, world: Surroundings): Finding | undefined {
  const { configuration, entry, words } = failure
  const subject = `${titleOf(configuration)} ${entry.name}`
  if (NO_ANSWER.test(words)) return blocked(failure, world)
  if (NO_CONNECTION.test(words))
    return { code: 'WEBHOOK_UNREACHABLE', subject, message: words, next: reach(entry, world) }
  if (!NO_TRUST.test(words)) return undefined
  return { code: 'WEBHOOK_UNTRUSTED', subject, message: words, next: ownCommand('certs status', world) }
}

/** The entry that the API server complains of, or the first of ours. */
function entryOf({ configuration, outcome }: Probe, { plan }: Seen): Entry {
  const failing = outcome.is === 'refused' ? failingWebhook(outcome.words) : undefined
  const ours = configuration.webhooks.filter((entry) => isOurEntry(entry, configuration, plan))
  const found = ours.find(({ name }) => name === failing) ?? ours[0]
  return found ?? { name: configuration.metadata.name, clientConfig: {} }
}

/** Said with the next command where paths are looked at. */
const hasWrongPath = (words: string, entry: Entry, configuration: Configuration): boolean =>
  NO_SUCH_PATH.test(words) && betterPath(entry, configuration) !== undefined

const failingWebhook = (words: string): string | undefined => /failed calling webhook "([^"]+)"/.exec(words)?.[1]

const isOwnEntry = (name: string | undefined, { configurations, plan }: Seen): boolean =>
  configurations.some((one) => one.webhooks.some((entry) => entry.name === name && isOurEntry(entry, one, plan)))

/** Nobody answers, and what to open where. */
export function blocked({ configuration, entry, words }: Failure, world: Surroundings): Finding {
  const { url } = entry.clientConfig
  const port = url === undefined ? webhookPort(world.deployment) : Number(new URL(url).port || 443)
  const where =
    url === undefined
      ? `from the control plane to the nodes (TCP ${port}, the port of the pods behind ${addressOf(entry)})`
      : `from the control plane to ${addressOf(entry)} (TCP ${port})`
  return {
    code: 'WEBHOOK_BLOCKED',
    subject: `${titleOf(configuration)} ${entry.name}`,
    message: `${words}. Open the way ${where}: the firewall of a private cluster lets only 443 and 10250 through`,
    next: openPort(port, entry, world),
  }
}

/** A private cluster's firewall, by who runs it. */
function openPort(port: number, entry: Entry, world: Surroundings): string {
  switch (world.provider) {
    case 'gke':
      return `gcloud compute firewall-rules update "$(gcloud compute firewall-rules list --filter='name~^gke-.*-master$' --format='value(name)')" --allow tcp:443,tcp:10250,tcp:${port}`
    case 'eks':
      return `aws ec2 authorize-security-group-ingress --protocol tcp --port ${port} --group-id "$NODE_SECURITY_GROUP" --source-group "$CLUSTER_SECURITY_GROUP"`
    case 'aks':
    case undefined:
      return reach(entry, world)
  }
}

/** The API server's own proxy takes the same way: any answer of a server (404, say) proves it open. */
function reach({ clientConfig: { url, service } }: Entry, { plan }: Pick<World, 'plan'>): string {
  if (url !== undefined) return `curl -sk -o /dev/null -w '%{http_code}\\n' ${new URL(url).origin}/`
  const { name, namespace } = service ?? plan
  return `kubectl get --raw /api/v1/namespaces/${namespace}/services/https:${name}:https-webhook/proxy/`
}

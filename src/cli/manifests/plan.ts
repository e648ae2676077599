/** What an installation is called and made of, resolved once; the other files here only write it down. */
import { isIP } from 'node:net'

import { ProjectError } from '../../base/errors.ts'

/** `mesh-admission`: our names, beside an istiod. `istio`: istiod's names, for a cluster without one. */
export type WebhookNames = 'mesh-admission' | 'istio'

export interface PlanOptions {
  /** Namespace of the server. @default mesh-admission */
  readonly namespace?: string
  /** @default default */
  readonly revision?: string
  /** Revision tags that lead to this revision. @default none */
  readonly tags?: readonly string[]
  /** Where the ConfigMaps are. @default istio-system */
  readonly istioNamespace?: string
  /** @default mesh-admission:<version of this package> */
  readonly image?: string
  /** @default 2 */
  readonly replicas?: number
  /** @default mesh-admission */
  readonly webhookNames?: WebhookNames
  /** Address of a server outside the cluster; the path is `/inject` where none is given, and validation's beside it. */
  readonly url?: string
  /** istiod: also pods of namespaces that carry no label at all. @default false */
  readonly enableNamespacesByDefault?: boolean
}

/** One MutatingWebhookConfiguration to write. */
export interface ConfigurationPlan {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Text that selects this revision or tag: the value of `istio.io/rev`. */
  readonly selects: string
  /** Also the entries of the default revision, which need no `istio.io/rev`. */
  readonly isDefault: boolean
}

/** One ValidatingWebhookConfiguration to write. */
export interface ValidatorPlan {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly entryName: string
  /** Values of `istio.io/rev` on the objects that come here; undefined: all objects do. */
  readonly selects: readonly string[] | undefined
}

export interface Plan {
  readonly namespace: string
  readonly revision: string
  readonly istioNamespace: string
  readonly image: string
  readonly replicas: number
  /** Name of every object of ours, and of the installation. */
  readonly name: string
  readonly secret: string
  readonly configMaps: readonly string[]
  readonly configurations: readonly ConfigurationPlan[]
  readonly validators: readonly ValidatorPlan[]
  /** `sidecar-injector.mesh-admission.io`, or istiod's. */
  readonly entrySuffix: string
  readonly url: string | undefined
  readonly enableNamespacesByDefault: boolean
  /** On every object. */
  readonly labels: Readonly<Record<string, string>>
  /** Of the server's pods, and what selects them. */
  readonly selector: Readonly<Record<string, string>>
}

const PROJECT = 'mesh-admission'
/** Ours to patch: carried by every configuration, and by nothing of istiod's. */
const OWN_LABEL = 'mesh-admission.io/webhook'

/** @throws ProjectError OPTION_INVALID naming the option */
export function planInstallation(options: PlanOptions, version: string): Plan {
  const revision = options.revision === undefined || options.revision === '' ? 'default' : options.revision
  const namespace = dnsLabel('namespace', options.namespace ?? PROJECT)
  const suffix = dnsLabel('revision', revision) === 'default' ? '' : `-${revision}`
  const name = `${PROJECT}${suffix}`
  const labels = {
    'app.kubernetes.io/name': PROJECT,
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/part-of': PROJECT,
  }
  const base = { revision, suffix, labels, istioNamespace: dnsLabel('istio-namespace', options.istioNamespace ?? 'istio-system') }
  const isIstio = options.webhookNames === 'istio'
  const tags = (options.tags ?? []).map((tag) => dnsLabel('tag', tag))
  return {
    ...base,
    namespace,
    name,
    image: options.image ?? `${PROJECT}:${version}`,
    replicas: options.replicas ?? 2,
    secret: `${name}-webhook-ca`,
    configMaps: [`istio-sidecar-injector${suffix}`, `istio${suffix}`],
    configurations: (isIstio ? istioConfigurations : ownConfigurations)(base, tags),
    validators: (isIstio ? istioValidators : ownValidators)(base, tags),
    entrySuffix: isIstio ? 'sidecar-injector.istio.io' : 'sidecar-injector.mesh-admission.io',
    url: options.url === undefined ? undefined : webhookUrl(options.url),
    enableNamespacesByDefault: options.enableNamespacesByDefault ?? false,
    selector: { 'app.kubernetes.io/name': PROJECT, 'app.kubernetes.io/instance': name },
  }
}

interface Base {
  readonly revision: string
  readonly suffix: string
  readonly istioNamespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** Without `istio.io/rev`: an istiod of that revision would write its own authority into what carries it. */
function ownConfigurations({ revision, suffix, labels }: Base, tags: readonly string[]): ConfigurationPlan[] {
  const own = { ...labels, [OWN_LABEL]: 'true' }
  return [
    {
      name: `${PROJECT}-injector${suffix}`,
      labels: { ...own, 'mesh-admission.io/revision': revision },
      selects: revision,
      isDefault: revision === 'default',
    },
    ...tags.map((tag) => ({
      name: `${PROJECT}-tag-${tag}`,
      labels: { ...own, 'mesh-admission.io/revision': revision, 'mesh-admission.io/tag': tag },
      selects: tag,
      isDefault: tag === 'default',
    })),
  ]
}

/** istiod: names carry the namespace where it is not istio-system. */
function istioConfigurations({ revision, suffix, labels, istioNamespace }: Base, tags: readonly string[]): ConfigurationPlan[] {
  const place = istioNamespace === 'istio-system' ? '' : `-${istioNamespace}`
  const shared = {
    ...labels,
    [OWN_LABEL]: 'true',
    'istio.io/rev': revision,
    app: 'sidecar-injector',
    'operator.istio.io/component': 'Pilot',
  }
  return [
    {
      name: `istio-sidecar-injector${suffix}${place}`,
      labels: shared,
      selects: revision,
      isDefault: revision === 'default',
    },
    ...tags.map((tag) => ({
      name: `istio-revision-tag-${tag}${place}`,
      labels: { ...shared, 'istio.io/tag': tag },
      selects: tag,
      isDefault: tag === 'default',
    })),
  ]
}

/**
 * The default validator sees every object, so the default revision needs no other, and whichever revision is tagged
 * `default` takes it over under the same name.
 */
function ownValidators({ revision, suffix, labels }: Base, tags: readonly string[]): ValidatorPlan[] {
  const own = { ...labels, [OWN_LABEL]: 'true', 'mesh-admission.io/revision': revision }
  const whole = {
    name: `${PROJECT}-default-validator`,
    labels: own,
    entryName: 'validation.mesh-admission.io',
    selects: undefined,
  }
  if (revision === 'default') return [whole]
  const rest = {
    name: `${PROJECT}-validator${suffix}`,
    labels: own,
    entryName: 'rev.validation.mesh-admission.io',
    selects: [revision, ...tags.filter((tag) => tag !== 'default')],
  }
  return tags.includes('default') ? [rest, whole] : [rest]
}

/** istiod: the default revision has both, and an object with its label is seen by both. */
function istioValidators(
  { revision, suffix, labels, istioNamespace }: Base,
  tags: readonly string[],
): ValidatorPlan[] {
  const shared = { ...labels, [OWN_LABEL]: 'true', 'istio.io/rev': revision, app: 'istiod', istio: 'istiod' }
  const own = {
    name: `istio-validator${suffix}-${istioNamespace}`,
    labels: shared,
    entryName: 'rev.validation.istio.io',
    selects: [revision],
  }
  if (revision !== 'default' && !tags.includes('default')) return [own]
  return [own, { name: 'istiod-default-validator', labels: shared, entryName: 'validation.istio.io', selects: undefined }]
}

/** What the API server takes: https, no user, query or fragment. */
function webhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.username || url.password || url.search || url.hash || url.hostname === '') {
    throw new ProjectError('OPTION_INVALID', `--url: expected https://host[:port][/path], got ${text}`)
  }
  if (url.pathname === '/') url.pathname = '/inject'
  return url.toString()
}

function dnsLabel(option: string, text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) && isIP(text) === 0) return text
  throw new ProjectError('OPTION_INVALID', `--${option}: expected lower-case letters, digits and dashes, got ${text}`)
}

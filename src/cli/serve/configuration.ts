/** What injection is configured with, and where it may come from: files, or a cluster. */
import type { NodeFacts } from '../../injection/native-sidecars.ts'
import type { ProxyConfigResource } from '../../injection/mesh/proxy-config-resources.ts'

/** The texts an injector is compiled from; nothing of them is parsed yet. */
export interface ConfigurationTexts {
  /** Key `config` of the injector ConfigMap. */
  readonly configText: string
  /** Key `values`. */
  readonly valuesText: string
  /** Mesh documents, weakest first. */
  readonly meshTexts: readonly string[]
}

/** Everything that injection depends on, as of one moment. */
export interface Configuration extends ConfigurationTexts {
  /** Where each text came from, for messages: a file, a ConfigMap, what is shipped. */
  readonly origin: { readonly config: string; readonly values: string; readonly mesh: string }
  /** Equal versions are equal texts. */
  readonly version: string
  readonly world: World
  /** Equal versions are equal worlds: answers given in one of them are right in the other. */
  readonly worldVersion: string
}

/** A place that configuration comes from. */
export interface ConfigurationSource {
  /** Whether a server that finds nothing usable at its start gives up (somebody just typed the file's name) or waits. */
  readonly isRequired: boolean
  /**
   * The configuration as it is now.
   * @throws ProjectError CONFIG_UNREADABLE, CONFIG_INVALID
   */
  read(): Promise<Configuration>
  /** Calls `changed` when it may be another, once for changes close together, until `signal` aborts. */
  watch(changed: () => void, signal: AbortSignal): void
}

/** A Kubernetes object as it was read. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
  }
  readonly [field: string]: unknown
}

/** What injection asks of a cluster. The answers are those of this moment; no call waits. */
export interface World {
  /** ProxyConfig resources of all namespaces; the same list until one of them changes. */
  readonly proxyConfigs: readonly ProxyConfigResource[]
  /** Undefined: there is no cluster to ask. */
  readonly nodes: NodeFacts | undefined
  /** Undefined: no such namespace is known. */
  namespaceAnnotations(namespace: string): Readonly<Record<string, string>> | undefined
}

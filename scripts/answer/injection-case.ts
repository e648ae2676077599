/** The form of recorded injection cases and of their answers. */
import type { ProxyConfigResource } from '../../src/injection/mesh/proxy-config-resources.ts'

export interface InjectionCase {
  readonly id?: string
  readonly mode?: 'webhook' | 'offline'
  readonly configRef?: string
  readonly configYaml?: string
  readonly valuesRef?: string
  readonly values?: string
  readonly meshRef?: string
  readonly mesh?: string
  readonly revision?: string
  readonly nativeSidecars?: string
  readonly nodes?: readonly { readonly name: string; readonly kubeletVersion: string }[]
  readonly platform?: string
  readonly compliancePolicy?: string
  readonly namespace?: string
  readonly namespaceAnnotations?: Readonly<Record<string, string>>
  readonly proxyConfigs?: readonly ProxyConfigResource[]
  readonly injectPath?: string
  /** The pod, or for the offline command the whole input, as text. */
  readonly object?: string
}

export interface InjectionAnswer {
  readonly id?: string
  readonly ok: boolean
  readonly injected?: boolean
  readonly status?: number
  readonly error?: string
  /** The pod; of the offline command the list of documents. */
  readonly object?: unknown
  /** Offline: what goes to standard output and standard error. */
  readonly text?: string
  readonly warnings?: readonly string[]
}

/** The kinds we know: schema and rules, one line a kind. */
import { adviseAuthorizationPolicy } from './advice/authorization-policy.ts'
import { adviseGateway } from './advice/gateway.ts'
import { adviseRequestAuthentication } from './advice/request-authentication.ts'
import { adviseServiceEntry } from './advice/service-entry.ts'
import { adviseVirtualService } from './advice/virtual-service.ts'
import { adviseWasmPlugin } from './advice/wasm-plugin.ts'
import { checkAuthorizationPolicy } from './rules/authorization-policy.ts'
import { checkDestinationRule } from './rules/destination-rule.ts'
import { checkEnvoyFilter } from './rules/envoy-filter.ts'
import { checkGateway } from './rules/gateway.ts'
import { checkPeerAuthentication } from './rules/peer-authentication.ts'
import { checkProxyConfig } from './rules/proxy-config.ts'
import { checkRequestAuthentication } from './rules/request-authentication.ts'
import type { KindRules, RuleContext } from './rules/rule-context.ts'
import { checkServiceEntry } from './rules/service-entry.ts'
import { checkSidecar } from './rules/sidecar.ts'
import { checkTelemetry } from './rules/telemetry.ts'
import { checkTrafficExtension } from './rules/traffic-extension.ts'
import { checkVirtualService } from './rules/virtual-service.ts'
import { checkWasmPlugin } from './rules/wasm-plugin.ts'
import { checkWorkloadEntry } from './rules/workload-entry.ts'
import { checkWorkloadGroup } from './rules/workload-group.ts'
import type { FieldPath } from './field-path.ts'
import { decode } from './schema/decode.ts'
import type { DecodeError } from './schema/decode.ts'
import type { KindSchema } from './schema/dsl.ts'
import { authorizationPolicy } from './schema/kinds/authorization-policy.ts'
import { destinationRule } from './schema/kinds/destination-rule.ts'
import { envoyFilter } from './schema/kinds/envoy-filter.ts'
import { gateway } from './schema/kinds/gateway.ts'
import { peerAuthentication } from './schema/kinds/peer-authentication.ts'
import { proxyConfig } from './schema/kinds/proxy-config.ts'
import { requestAuthentication } from './schema/kinds/request-authentication.ts'
import { serviceEntry } from './schema/kinds/service-entry.ts'
import { sidecar } from './schema/kinds/sidecar.ts'
import { telemetry } from './schema/kinds/telemetry.ts'
import { trafficExtension } from './schema/kinds/traffic-extension.ts'
import { virtualService } from './schema/kinds/virtual-service.ts'
import { wasmPlugin } from './schema/kinds/wasm-plugin.ts'
import { workloadEntry } from './schema/kinds/workload-entry.ts'
import { workloadGroup } from './schema/kinds/workload-group.ts'

/** A decoded spec that waits for its rules, so that schema and rules of a kind cannot be mixed up. */
export interface Judged {
  readonly spec: unknown
  readonly check: (context: RuleContext) => void
  /** Our own warnings on what istiod accepts without a word. */
  readonly advise: (context: RuleContext) => void
}
export interface Kind {
  readonly schema: KindSchema
  readonly decode: (spec: unknown, at: FieldPath) => Judged | { readonly error: DecodeError }
  /** As `decode`, for a spec that is known to be plain: decoding would not change it. */
  readonly take: (plainSpec: unknown) => Judged
}

const NO_ADVICE: KindRules<unknown> = () => undefined

function kindOf<Spec>(schema: KindSchema<Spec>, rules: KindRules<Spec>, advice: KindRules<Spec> = NO_ADVICE): Kind {
  const take = (value: unknown): Judged => {
    // Decoded by the very schema whose type the rules take.
    const spec = value as Spec
    return {
      spec,
      check: (context) => {
        rules(spec, context)
      },
      advise: (context) => {
        advice(spec, context)
      },
    }
  }
  return {
    schema,
    take,
    decode(value, at) {
      const result = decode(schema.spec, value, at)
      return 'error' in result ? result : take(result.spec)
    },
  }
}

export const KINDS: readonly Kind[] = [
  kindOf(virtualService, checkVirtualService, adviseVirtualService),
  kindOf(destinationRule, checkDestinationRule),
  kindOf(gateway, checkGateway, adviseGateway),
  kindOf(serviceEntry, checkServiceEntry, adviseServiceEntry),
  kindOf(sidecar, checkSidecar),
  kindOf(workloadEntry, checkWorkloadEntry),
  kindOf(workloadGroup, checkWorkloadGroup),
  kindOf(envoyFilter, checkEnvoyFilter),
  kindOf(proxyConfig, checkProxyConfig),
  kindOf(authorizationPolicy, checkAuthorizationPolicy, adviseAuthorizationPolicy),
  kindOf(peerAuthentication, checkPeerAuthentication),
  kindOf(requestAuthentication, checkRequestAuthentication, adviseRequestAuthentication),
  kindOf(telemetry, checkTelemetry),
  kindOf(wasmPlugin, checkWasmPlugin, adviseWasmPlugin),
  kindOf(trafficExtension, checkTrafficExtension),
]

/** No two groups have a kind of the same name. */
const BY_KIND: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [kind.schema.kind, kind]))

/** istiod: looked up by group and kind; the version does not matter. */
export function findKind(group: string, name: string): Kind | undefined {
  const kind = BY_KIND.get(name)
  return kind?.schema.group === group ? kind : undefined
}

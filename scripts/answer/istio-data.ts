/** The injector's own template data for a pod, as recorded template cases ask for it (`$istio`). */
import { ANNOTATION } from '../../src/api/names.ts'
import type { Pod } from '../../src/api/pod.ts'
import { compileSettings } from '../../src/injection/index.ts'
import { podData } from '../../src/injection/inject.ts'
import { effectiveProxyConfig } from '../../src/injection/mesh/proxy-config.ts'
import { decodeTyped } from '../../src/injection/model/decode.ts'
import { POD } from '../../src/injection/model/pod.ts'
import { DEFAULT_PROXY_IDS } from '../../src/injection/proxy-ids.ts'
import type { TypedValue } from '../../src/injection/template/value.ts'
import { workloadOf } from '../../src/injection/workload.ts'
import { readYaml } from '../../src/injection/yaml/read.ts'

export interface IstioData {
  /** YAML texts. */
  readonly pod: string
  readonly values?: string
  readonly mesh?: string
  /** Of the request. */
  readonly namespace?: string
  readonly revision?: string
  /** The resolved setting. */
  readonly nativeSidecars?: boolean
}

export function istioData(given: IstioData): TypedValue {
  const { settings } = compileSettings({
    configText: '',
    valuesText: given.values ?? '{}',
    meshTexts: given.mesh === undefined ? [] : [given.mesh],
    revision: given.revision ?? '',
    compliancePolicy: '',
    compat: 'istiod',
    env: () => undefined,
    warn: () => undefined,
  })
  const received = decodeTyped(POD, readYaml(given.pod), { unknownFields: 'drop' }) as Pod
  const pod =
    (received.metadata?.namespace ?? '') === ''
      ? { ...received, metadata: { ...received.metadata, namespace: given.namespace ?? '' } }
      : received
  const proxyConfig = effectiveProxyConfig({
    mesh: settings.mesh,
    resources: [],
    podLabels: pod.metadata?.labels ?? {},
    podNamespace: pod.metadata?.namespace ?? '',
    annotation: pod.metadata?.annotations?.[ANNOTATION.proxyConfig],
  })
  const nativeSidecars = given.nativeSidecars ?? false
  return podData({ pod, workload: workloadOf(pod), proxyConfig, nativeSidecars, proxyIds: DEFAULT_PROXY_IDS }, settings)
}

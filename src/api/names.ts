/** Names the outside world knows: annotations, labels, containers and variables that injection reads or writes. */

export const ANNOTATION = {
  inject: 'sidecar.istio.io/inject',
  templates: 'inject.istio.io/templates',
  status: 'sidecar.istio.io/status',
  overrides: 'proxy.istio.io/overrides',
  proxyConfig: 'proxy.istio.io/config',
  nativeSidecar: 'sidecar.istio.io/nativeSidecar',
  interceptionMode: 'sidecar.istio.io/interceptionMode',
  proxyImageType: 'sidecar.istio.io/proxyImageType',
  rewriteProbes: 'sidecar.istio.io/rewriteAppHTTPProbers',
  statusPort: 'status.sidecar.istio.io/port',
  mergeMetrics: 'prometheus.istio.io/merge-metrics',
  prometheusScrape: 'prometheus.io/scrape',
  prometheusPort: 'prometheus.io/port',
  prometheusPath: 'prometheus.io/path',
  prometheusSecurePort: 'prometheus.istio.io/secure-port',
  prometheusTargets: 'prometheus.istio.io/scrape-targets',
  includeOutboundPorts: 'traffic.sidecar.istio.io/includeOutboundPorts',
  /** On namespaces, set by OpenShift. */
  uidRange: 'openshift.io/sa.scc.uid-range',
  supplementalGroups: 'openshift.io/sa.scc.supplemental-groups',
} as const

export const LABEL = {
  inject: 'sidecar.istio.io/inject',
  network: 'topology.istio.io/network',
  podTemplateHash: 'pod-template-hash',
  rolloutsPodTemplateHash: 'rollouts-pod-template-hash',
  deploymentConfig: 'deploymentconfig',
} as const

export const CONTAINER_NAME = {
  proxy: 'istio-proxy',
  init: 'istio-init',
  validation: 'istio-validation',
  coreDump: 'enable-core-dump',
} as const

export const VARIABLE = {
  clusterId: 'ISTIO_META_CLUSTER_ID',
  network: 'ISTIO_META_NETWORK',
  appProbers: 'ISTIO_KUBE_APP_PROBERS',
  prometheusAnnotations: 'ISTIO_PROMETHEUS_ANNOTATIONS',
  securePort: 'ENVOY_SECURE_MERGED_METRICS_PORT',
} as const

/** All analyzers. Their order does not matter: messages are sorted. */
import type { Analyzer } from './analyze.ts'
import { annotations } from './analyzers/annotations.ts'
import { negativeConditions } from './analyzers/conditions.ts'
import { externalControlPlane, gatewayApiVersions, injectorWebhooks } from './analyzers/control-plane.ts'
import { destinationRuleHosts, serverVerification } from './analyzers/destination-rules.ts'
import { patchOperations } from './analyzers/envoy-filters.ts'
import { conflictingGateways, duplicateCertificates, gatewayPods, gatewaySecrets } from './analyzers/gateways.ts'
import { uninjectedDeployments, uninjectedPods } from './analyzers/image-auto.ts'
import { missingProxies, namespaceInjection, proxyImages, reservedUser } from './analyzers/injection.ts'
import { networkRegistries } from './analyzers/mesh-networks.ts'
import { schemaAnalyzers } from './analyzers/schema.ts'
import {
  ambientSidecars,
  authorizedWorkloads,
  defaultSidecars,
  defaultTelemetries,
  ineffectiveSelectors,
  telemetryProviders,
  workloadSelectors,
} from './analyzers/selectors.ts'
import { addressesRequired, conflictingProtocols } from './analyzers/service-entries.ts'
import { deploymentServices, jwksRestriction, portNames } from './analyzers/services.ts'
import {
  claimRoutes,
  conflictingHosts,
  deprecatedFields,
  destinationHosts,
  destinationSubsets,
  gatewayReferences,
  ingressRules,
} from './analyzers/virtual-services.ts'

export const ANALYZERS: readonly Analyzer[] = [
  ...schemaAnalyzers,
  addressesRequired,
  ambientSidecars,
  annotations,
  authorizedWorkloads,
  claimRoutes,
  conflictingGateways,
  conflictingHosts,
  conflictingProtocols,
  defaultSidecars,
  defaultTelemetries,
  deploymentServices,
  deprecatedFields,
  destinationHosts,
  destinationRuleHosts,
  destinationSubsets,
  duplicateCertificates,
  externalControlPlane,
  gatewayApiVersions,
  gatewayPods,
  gatewayReferences,
  gatewaySecrets,
  ineffectiveSelectors,
  ingressRules,
  injectorWebhooks,
  jwksRestriction,
  missingProxies,
  namespaceInjection,
  negativeConditions,
  networkRegistries,
  patchOperations,
  portNames,
  proxyImages,
  reservedUser,
  serverVerification,
  telemetryProviders,
  uninjectedDeployments,
  uninjectedPods,
  ...workloadSelectors,
]

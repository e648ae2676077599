/** Fields of the chart's values, as far as istiod reads them with types; notation in message-type.ts. */
import type { EnumTable, FieldTable } from './message-type.ts'

/** Messages of the values document, fields in declaration order. Source: Istio's operator API 1.31. */
export const VALUES_FIELDS: FieldTable = {
  'istio.operator.v1alpha1': {
    Values: `
      CNIConfig cni; GatewaysConfig gateways; GlobalConfig global; PilotConfig pilot; Value ztunnel;
      TelemetryConfig telemetry; SidecarInjectorConfig sidecarInjectorWebhook; CNIUsageConfig istio_cni;
      string revision; string ownerName; Value meshConfig; BaseConfig base; IstiodRemoteConfig istiodRemote;
      string[] revisionTags; string defaultRevision; string profile; string compatibilityVersion;
      ExperimentalConfig experimental; Value gatewayClasses
    `,
    ArchConfig: 'uint32 amd64; uint32 ppc64le; uint32 s390x; uint32 arm64',
    CNIConfig: `
      BoolValue enabled; string hub; Value tag; string variant; string image; string pullPolicy; string cniBinDir;
      string cniConfDir; string cniConfFileName; string cniNetnsDir; string[] excludeNamespaces; Struct affinity;
      Struct env; Struct daemonSetLabels; Struct podAnnotations; Struct podLabels; string psp_cluster_role;
      string logLevel; GlobalLoggingConfig logging; CNIRepairConfig repair; BoolValue chained;
      ResourceQuotas resource_quotas; Resources resources; BoolValue privileged; Struct seccompProfile;
      CNIAmbientConfig ambient; string provider; IntOrString rollingMaxUnavailable; BoolValue istioOwnedCNIConfig;
      string istioOwnedCNIConfigFileName; BoolValue useAppArmorAnnotation
    `,
    CNIUsageConfig: 'BoolValue enabled; BoolValue chained; string provider',
    CNIAmbientConfig: `
      BoolValue enabled; string configDir; BoolValue dnsCapture; BoolValue ipv6; BoolValue reconcileIptablesOnStartup
    `,
    CNIRepairConfig: `
      BoolValue enabled; string hub; Value tag; string image; bool labelPods; bool repairPods; string createEvents;
      bool deletePods; string brokenPodLabelKey; string brokenPodLabelValue; string initContainerName
    `,
    ResourceQuotas: 'BoolValue enabled; int64 pods',
    TargetUtilizationConfig: 'int32 targetAverageUtilization',
    Resources: 'map<string> limits; map<string> requests',
    ServiceAccount: 'Struct annotations',
    DefaultPodDisruptionBudgetConfig: 'BoolValue enabled',
    DefaultResourcesConfig: 'ResourcesRequestsConfig requests',
    EgressGatewayConfig: `
      BoolValue autoscaleEnabled; uint32 autoscaleMax; uint32 autoscaleMin; TargetUtilizationConfig memory;
      TargetUtilizationConfig cpu; BoolValue customService; BoolValue enabled; Struct env; map<string> labels;
      string name; Struct nodeSelector; Struct podAnnotations; Struct[] podAntiAffinityLabelSelector;
      Struct[] podAntiAffinityTermLabelSelector; PortsConfig[] ports; Resources resources;
      SecretVolume[] secretVolumes; Struct serviceAnnotations; string type; Struct[] tolerations;
      IntOrString rollingMaxSurge; IntOrString rollingMaxUnavailable; Struct[] configVolumes;
      Struct[] additionalContainers; BoolValue runAsRoot; string injectionTemplate; ServiceAccount serviceAccount;
      string[] ipFamilies; string ipFamilyPolicy
    `,
    GatewaysConfig: `
      EgressGatewayConfig istio_egressgateway=istio-egressgateway; BoolValue enabled;
      IngressGatewayConfig istio_ingressgateway=istio-ingressgateway; Value securityContext; Value seccompProfile
    `,
    GlobalConfig: `
      ArchConfig arch; string[] certSigners; BoolValue configValidation; Struct defaultNodeSelector;
      DefaultPodDisruptionBudgetConfig defaultPodDisruptionBudget; DefaultResourcesConfig defaultResources;
      Struct[] defaultTolerations; string hub; string imagePullPolicy; string[] imagePullSecrets;
      string istioNamespace; BoolValue logAsJson; GlobalLoggingConfig logging; string meshID; Struct meshNetworks;
      MultiClusterConfig multiCluster; string network; string[] podDNSSearchNamespaces;
      BoolValue omitSidecarInjectorConfigMap; BoolValue operatorManageWebhooks; string priorityClassName;
      ProxyConfig proxy; ProxyInitConfig proxy_init=proxy_init; SDSConfig sds; Value tag; string variant;
      TracerConfig tracer; string remotePilotAddress; IstiodConfig istiod; string pilotCertProvider;
      string jwtPolicy; STSConfig sts; string revision; BoolValue mountMtlsCerts; string caAddress;
      BoolValue externalIstiod; BoolValue configCluster; string caName; string platform; string[] ipFamilies;
      string ipFamilyPolicy; WaypointConfig waypoint; string trustBundleName; BoolValue nativeNftables;
      NetworkPolicyConfig networkPolicy; ResourceScope resourceScope; Agentgateway agentgateway;
      BoolValue enableReaderRBAC
    `,
    Agentgateway: 'string image',
    STSConfig: 'uint32 servicePort',
    IstiodConfig: 'BoolValue enableAnalysis',
    GlobalLoggingConfig: 'string level',
    IngressGatewayConfig: `
      BoolValue autoscaleEnabled; uint32 autoscaleMax; uint32 autoscaleMin; TargetUtilizationConfig memory;
      TargetUtilizationConfig cpu; BoolValue customService; BoolValue enabled; Struct env; map<string> labels;
      string loadBalancerIP; string[] loadBalancerSourceRanges; string name; Struct nodeSelector;
      Struct podAnnotations; Struct[] podAntiAffinityLabelSelector; Struct[] podAntiAffinityTermLabelSelector;
      PortsConfig[] ports; uint32 replicaCount; Struct resources; SecretVolume[] secretVolumes;
      Struct serviceAnnotations; string type; IntOrString rollingMaxSurge; IntOrString rollingMaxUnavailable;
      string externalTrafficPolicy; Struct[] tolerations; Struct[] ingressPorts; Struct[] additionalContainers;
      Struct[] configVolumes; BoolValue runAsRoot; string injectionTemplate; ServiceAccount serviceAccount;
      string[] ipFamilies; string ipFamilyPolicy
    `,
    MultiClusterConfig:
      'BoolValue enabled; string clusterName; string globalDomainSuffix; BoolValue includeEnvoyFilter',
    PilotConfig: `
      BoolValue enabled; BoolValue autoscaleEnabled; uint32 autoscaleMin; uint32 autoscaleMax;
      Struct autoscaleBehavior; uint32 replicaCount; string image; double traceSampling; Resources resources;
      TargetUtilizationConfig cpu; Struct nodeSelector; Duration keepaliveMaxServerConnectionAge;
      Struct deploymentLabels; Struct podLabels; BoolValue configMap; Struct env; Struct affinity;
      IntOrString rollingMaxSurge; IntOrString rollingMaxUnavailable; Struct[] tolerations; Struct podAnnotations;
      Struct serviceAnnotations; Struct serviceAccountAnnotations; string jwksResolverExtraRootCA; string hub;
      Value tag; string variant; Struct seccompProfile; Struct[] topologySpreadConstraints;
      uint32 terminationGracePeriodSeconds; Struct[] extraContainerArgs; Struct[] volumeMounts; Struct[] volumes;
      string[] ipFamilies; string ipFamilyPolicy; TargetUtilizationConfig memory; CNIUsageConfig cni;
      PilotTaintControllerConfig taint; string trustedZtunnelNamespace; IstiodRemoteConfig istiodRemote;
      Struct[] envVarFrom; string crlConfigMapName
    `,
    PilotTaintControllerConfig: 'bool enabled; string namespace; string name',
    TelemetryConfig: 'BoolValue enabled; TelemetryV2Config v2',
    TelemetryV2Config: `
      BoolValue enabled; TelemetryV2PrometheusConfig prometheus; TelemetryV2StackDriverConfig stackdriver
    `,
    TelemetryV2PrometheusConfig: 'BoolValue enabled',
    TelemetryV2StackDriverConfig: 'BoolValue enabled',
    PortsConfig: 'string name; int32 port; int32 nodePort; int32 targetPort; string protocol',
    ProxyConfig: `
      string autoInject; string clusterDomain; string componentLogLevel; BoolValue enableCoreDump;
      string excludeInboundPorts; string excludeIPRanges; string image; string includeIPRanges; string logLevel;
      string outlierLogPath; BoolValue privileged; uint32 readinessInitialDelaySeconds;
      uint32 readinessPeriodSeconds; uint32 readinessFailureThreshold; Struct seccompProfile;
      StartupProbe startupProbe; uint32 statusPort; Resources resources; tracer tracer; string excludeOutboundPorts;
      Struct lifecycle; BoolValue holdApplicationUntilProxyStarts; string includeInboundPorts;
      string includeOutboundPorts
    `,
    StartupProbe: 'BoolValue enabled; uint32 failureThreshold',
    ProxyInitConfig: 'string image; Resources resources',
    ResourcesRequestsConfig: 'string cpu; string memory',
    SDSConfig: 'Struct token',
    SecretVolume: 'string mountPath; string name; string secretName',
    SidecarInjectorConfig: `
      BoolValue enableNamespacesByDefault; string reinvocationPolicy; Struct[] neverInjectSelector;
      Struct[] alwaysInjectSelector; BoolValue rewriteAppHTTPProbe; Struct injectedAnnotations; string injectionURL;
      Struct templates; string[] defaultTemplates
    `,
    TracerConfig: `
      TracerDatadogConfig datadog; TracerLightStepConfig lightstep; TracerZipkinConfig zipkin;
      TracerStackdriverConfig stackdriver
    `,
    TracerDatadogConfig: 'string address',
    TracerLightStepConfig: 'string address; string accessToken',
    TracerZipkinConfig: 'string address',
    TracerStackdriverConfig: `
      BoolValue debug; uint32 maxNumberOfAttributes; uint32 maxNumberOfAnnotations; uint32 maxNumberOfMessageEvents
    `,
    BaseConfig: `
      BoolValue enableCRDTemplates; string[] excludedCRDs; string validationURL; BoolValue enableIstioConfigCRDs;
      BoolValue validateGateway; string validationCABundle
    `,
    IstiodRemoteConfig: `
      string injectionURL; string injectionPath; string injectionCABundle; BoolValue enabled;
      BoolValue enabledLocalInjectorIstiod
    `,
    ExperimentalConfig: 'BoolValue stableValidationPolicy',
    WaypointConfig: `
      Resources resources; Struct affinity; Struct[] topologySpreadConstraints; Struct nodeSelector;
      Struct[] toleration
    `,
    NetworkPolicyConfig: 'BoolValue enabled',
  },
}

/** Enums of the values document. */
export const VALUES_ENUMS: EnumTable = {
  'istio.operator.v1alpha1': {
    tracer: 'zipkin=0 lightstep=1 datadog=2 stackdriver=3 openCensusAgent=4 none=5',
    ResourceScope: 'undefined=0 all=1 cluster=2 namespace=3',
  },
}

/** Fields of the messages behind MeshConfig and ProxyConfig, and of their enums; notation in message-type.ts. */
import type { EnumTable, FieldTable } from './message-type.ts'

/** Messages by package and name, fields in declaration order. Source: istio.io/api 1.31. */
export const MESH_FIELDS: FieldTable = {
  'istio.mesh.v1alpha1': {
    MeshConfig: `
      int32 proxy_listen_port; int32 proxy_inbound_listen_port; int32 proxy_http_port; Duration connect_timeout;
      Duration hbone_idle_timeout; Duration protocol_detection_timeout;
      ConnectionPoolSettings.TCPSettings.TcpKeepalive tcp_keepalive; string ingress_class; string ingress_service;
      .IngressControllerMode ingress_controller_mode; string ingress_selector; bool enable_tracing;
      string access_log_file; string access_log_format; .AccessLogEncoding access_log_encoding;
      bool enable_envoy_access_log_service; bool disable_envoy_listener_log; ProxyConfig default_config;
      .OutboundTrafficPolicy outbound_traffic_policy; .InboundTrafficPolicy inbound_traffic_policy;
      ConfigSource[] config_sources; BoolValue enable_auto_mtls; string trust_domain;
      string[] trust_domain_aliases; .CertificateData[] ca_certificates; string[] default_service_export_to;
      string[] default_virtual_service_export_to; string[] default_destination_rule_export_to;
      string root_namespace; LocalityLoadBalancerSetting locality_lb_setting;
      ZoneAwareLoadBalancerSetting zone_aware_lb_setting; Duration dns_refresh_rate;
      .H2UpgradePolicy h2_upgrade_policy; string inbound_cluster_stat_name; string outbound_cluster_stat_name;
      Certificate[] certificates; .ServiceSettings[] service_settings;
      .ServiceScopeConfigs[] service_scope_configs; BoolValue enable_prometheus_merge;
      BoolValue verify_certificate_at_client; .CA ca; .ExtensionProvider[] extension_providers;
      .DefaultProviders default_providers; LabelSelector[] discovery_selectors;
      .ProxyPathNormalization path_normalization; HTTPRetry default_http_retry_policy; .TLSConfig mesh_mTLS;
      .TLSConfig tls_defaults; .DefaultTrafficPolicy default_traffic_policy;
      ServiceEntryVisibility service_entry_visibility
    `,
    ProxyConfig: `
      string config_path; string binary_path; string service_cluster@cluster_name;
      .TracingServiceName tracing_service_name@cluster_name; Duration drain_duration; string discovery_address;
      Duration discovery_refresh_delay; string zipkin_address; string statsd_udp_address;
      string envoy_metrics_service_address; int32 proxy_admin_port; string availability_zone;
      AuthenticationPolicy control_plane_auth_policy; string custom_config_file; int32 stat_name_length;
      Int32Value concurrency; string proxy_bootstrap_template_path; .InboundInterceptionMode interception_mode;
      Tracing tracing; SDS sds; RemoteService envoy_access_log_service; RemoteService envoy_metrics_service;
      map<string> proxy_metadata; map<string> runtime_values; int32 status_port; string[] extra_stat_tags;
      Topology gateway_topology; Duration termination_drain_duration; string mesh_id;
      ReadinessProbe readiness_probe; .ProxyStatsMatcher proxy_stats_matcher;
      BoolValue hold_application_until_proxy_starts; string[] ca_certificates_pem; ProxyImage image;
      PrivateKeyProvider private_key_provider; .ProxyHeaders proxy_headers; Duration file_flush_interval;
      uint32 file_flush_min_size_kb; BoolValue stats_compression; .ConnectionSettings connection_settings
    `,
    Tracing: `
      .Zipkin zipkin@tracer; .Lightstep lightstep@tracer; .Datadog datadog@tracer;
      .Stackdriver stackdriver@tracer; .OpenCensusAgent open_census_agent@tracer; map<.CustomTag> custom_tags;
      uint32 max_path_tag_length; double sampling; ClientTLSSettings tls_settings; BoolValue enable_istio_tags
    `,
    'Tracing.Zipkin': 'string address',
    'Tracing.Lightstep': 'string address; string access_token',
    'Tracing.Datadog': 'string address',
    'Tracing.Stackdriver': `
      bool debug; Int64Value max_number_of_attributes; Int64Value max_number_of_annotations;
      Int64Value max_number_of_message_events
    `,
    'Tracing.OpenCensusAgent': 'string address; .TraceContext[] context',
    'Tracing.CustomTag': `
      Tracing.Literal literal@type; Tracing.Environment environment@type; Tracing.RequestHeader header@type
    `,
    'Tracing.Literal': 'string value',
    'Tracing.Environment': 'string name; string default_value',
    'Tracing.RequestHeader': 'string name; string default_value',
    SDS: 'bool enabled; string k8s_sa_jwt_path',
    RemoteService: `
      string address; ClientTLSSettings tls_settings;
      ConnectionPoolSettings.TCPSettings.TcpKeepalive tcp_keepalive
    `,
    Topology: `
      uint32 num_trusted_proxies; ForwardClientCertDetails forward_client_cert_details;
      .ProxyProtocolConfiguration proxy_protocol
    `,
    'Topology.ProxyProtocolConfiguration': '',
    'ProxyConfig.ProxyStatsMatcher': `
      string[] inclusion_prefixes; string[] inclusion_suffixes; string[] inclusion_regexps
    `,
    PrivateKeyProvider: '.CryptoMb cryptomb@provider; .QAT qat@provider',
    'PrivateKeyProvider.CryptoMb': 'Duration poll_delay; BoolValue fallback',
    'PrivateKeyProvider.QAT': 'Duration poll_delay; BoolValue fallback',
    'ProxyConfig.ProxyHeaders': `
      ForwardClientCertDetails forwarded_client_cert;
      .SetCurrentClientCertDetails set_current_client_cert_details; .RequestId request_id; .Server server;
      .AttemptCount attempt_count; .EnvoyDebugHeaders envoy_debug_headers;
      .MetadataExchangeHeaders metadata_exchange_headers; BoolValue preserve_http1_header_case;
      .XForwardedHost x_forwarded_host; .XForwardedPort x_forwarded_port
    `,
    'ProxyConfig.ProxyHeaders.SetCurrentClientCertDetails': `
      BoolValue subject; BoolValue cert; BoolValue chain; BoolValue dns; BoolValue uri
    `,
    'ProxyConfig.ProxyHeaders.RequestId': 'BoolValue disabled',
    'ProxyConfig.ProxyHeaders.Server': 'BoolValue disabled; string value',
    'ProxyConfig.ProxyHeaders.AttemptCount': 'BoolValue disabled',
    'ProxyConfig.ProxyHeaders.EnvoyDebugHeaders': 'BoolValue disabled',
    'ProxyConfig.ProxyHeaders.MetadataExchangeHeaders': `
      ProxyConfig.ProxyHeaders.MetadataExchangeMode mode
    `,
    'ProxyConfig.ProxyHeaders.XForwardedHost': 'BoolValue enabled',
    'ProxyConfig.ProxyHeaders.XForwardedPort': 'BoolValue enabled',
    'ProxyConfig.ConnectionSettings': `
      .Profile profile; Int32Value listener_per_connection_buffer_limit_bytes;
      Int32Value cluster_per_connection_buffer_limit_bytes; Duration http_idle_timeout;
      Duration http_max_connection_duration; Duration http_drain_timeout; Duration http_request_timeout;
      Duration http_request_headers_timeout; Duration http_stream_idle_timeout; Duration http_max_stream_duration;
      Int32Value http_max_concurrent_streams; Int32Value http2_initial_stream_window_size;
      Int32Value http2_initial_connection_window_size;
      .HeadersWithUnderscoresAction http_headers_with_underscores_action; BoolValue http_merge_slashes;
      .PathWithEscapedSlashesAction http_path_with_escaped_slashes_action; Int32Value listener_connection_limit;
      Int32Value global_downstream_connection_limit
    `,
    'MeshConfig.OutboundTrafficPolicy': '.Mode mode; ClientTLSSettings tls',
    'MeshConfig.InboundTrafficPolicy': '.Mode mode',
    ConfigSource: 'string address; ClientTLSSettings tls_settings; Resource[] subscribed_resources',
    'MeshConfig.CertificateData': `
      string pem@certificate_data; string spiffe_bundle_url@certificate_data; string[] cert_signers;
      string[] trust_domains
    `,
    Certificate: 'string secret_name; string[] dns_names',
    'MeshConfig.ServiceSettings': '.Settings settings; string[] hosts',
    'MeshConfig.ServiceSettings.Settings': 'bool cluster_local',
    'MeshConfig.ServiceScopeConfigs': `
      LabelSelector namespace_selector; LabelSelector services_selector; .Scope scope
    `,
    LabelSelector: 'map<string> matchLabels; LabelSelectorRequirement[] matchExpressions',
    LabelSelectorRequirement: 'string key; string operator; string[] values',
    'MeshConfig.CA': `
      string address; ClientTLSSettings tls_settings; Duration request_timeout; bool istiod_side
    `,
    'MeshConfig.ExtensionProvider': `
      string name; .EnvoyExternalAuthorizationHttpProvider envoy_ext_authz_http@provider;
      .EnvoyExternalAuthorizationGrpcProvider envoy_ext_authz_grpc@provider;
      .ZipkinTracingProvider zipkin@provider; .LightstepTracingProvider lightstep@provider;
      .DatadogTracingProvider datadog@provider; .StackdriverProvider stackdriver@provider;
      .OpenCensusAgentTracingProvider opencensus@provider; .SkyWalkingTracingProvider skywalking@provider;
      .OpenTelemetryTracingProvider opentelemetry@provider; .PrometheusMetricsProvider prometheus@provider;
      .EnvoyFileAccessLogProvider envoy_file_access_log@provider;
      .EnvoyHttpGrpcV3LogProvider envoy_http_als@provider; .EnvoyTcpGrpcV3LogProvider envoy_tcp_als@provider;
      .EnvoyOpenTelemetryLogProvider envoy_otel_als@provider; .SDSProvider sds@provider
    `,
    'MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationHttpProvider': `
      string service; uint32 port; Duration timeout; string path_prefix; bool fail_open; bool clear_route_cache;
      string status_on_error; string[] include_headers_in_check; string[] include_request_headers_in_check;
      map<string> include_additional_headers_in_check;
      MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationRequestBody include_request_body_in_check;
      string[] headers_to_upstream_on_allow; string[] headers_to_downstream_on_deny;
      string[] headers_to_downstream_on_allow
    `,
    'MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationRequestBody': `
      uint32 max_request_bytes; bool allow_partial_message; bool pack_as_bytes
    `,
    'MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationGrpcProvider': `
      string service; uint32 port; Duration timeout; bool fail_open; bool clear_route_cache;
      string status_on_error;
      MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationRequestBody include_request_body_in_check
    `,
    'MeshConfig.ExtensionProvider.ZipkinTracingProvider': `
      string service; uint32 port; uint32 max_tag_length; bool enable_64bit_trace_id; string path;
      .TraceContextOption trace_context_option; Duration timeout;
      MeshConfig.ExtensionProvider.HttpHeader[] headers
    `,
    'MeshConfig.ExtensionProvider.HttpHeader': `
      string name; string value@header_value; string env_name@header_value
    `,
    'MeshConfig.ExtensionProvider.LightstepTracingProvider': `
      string service; uint32 port; string access_token; uint32 max_tag_length
    `,
    'MeshConfig.ExtensionProvider.DatadogTracingProvider': `
      string service; uint32 port; uint32 max_tag_length
    `,
    'MeshConfig.ExtensionProvider.StackdriverProvider': `
      bool debug; Int64Value max_number_of_attributes; Int64Value max_number_of_annotations;
      Int64Value max_number_of_message_events; uint32 max_tag_length; .Logging logging
    `,
    'MeshConfig.ExtensionProvider.StackdriverProvider.Logging': 'map<string> labels',
    'MeshConfig.ExtensionProvider.OpenCensusAgentTracingProvider': `
      string service; uint32 port; .TraceContext[] context; uint32 max_tag_length
    `,
    'MeshConfig.ExtensionProvider.SkyWalkingTracingProvider': `
      string service; uint32 port; string access_token
    `,
    'MeshConfig.ExtensionProvider.OpenTelemetryTracingProvider': `
      string service; uint32 port; uint32 max_tag_length; MeshConfig.ExtensionProvider.HttpService http;
      MeshConfig.ExtensionProvider.GrpcService grpc;
      MeshConfig.ExtensionProvider.ResourceDetectors resource_detectors;
      MeshConfig.ExtensionProvider.ServiceAttributeEnrichment service_attribute_enrichment;
      .DynatraceSampler dynatrace_sampler@sampling
    `,
    'MeshConfig.ExtensionProvider.HttpService': `
      string path; Duration timeout; MeshConfig.ExtensionProvider.HttpHeader[] headers
    `,
    'MeshConfig.ExtensionProvider.GrpcService': `
      Duration timeout; MeshConfig.ExtensionProvider.HttpHeader[] initial_metadata
    `,
    'MeshConfig.ExtensionProvider.ResourceDetectors': `
      .EnvironmentResourceDetector environment; .DynatraceResourceDetector dynatrace
    `,
    'MeshConfig.ExtensionProvider.ResourceDetectors.EnvironmentResourceDetector': '',
    'MeshConfig.ExtensionProvider.ResourceDetectors.DynatraceResourceDetector': '',
    'MeshConfig.ExtensionProvider.OpenTelemetryTracingProvider.DynatraceSampler': `
      string tenant; int32 cluster_id; uint32 root_spans_per_minute; .DynatraceApi http_service
    `,
    'MeshConfig.ExtensionProvider.OpenTelemetryTracingProvider.DynatraceSampler.DynatraceApi': `
      string service; uint32 port; MeshConfig.ExtensionProvider.HttpService http
    `,
    'MeshConfig.ExtensionProvider.PrometheusMetricsProvider': '',
    'MeshConfig.ExtensionProvider.EnvoyFileAccessLogProvider': `
      string path; .LogFormat log_format; bool omit_empty_values
    `,
    'MeshConfig.ExtensionProvider.EnvoyFileAccessLogProvider.LogFormat': `
      string text@log_format; Struct labels@log_format
    `,
    'MeshConfig.ExtensionProvider.EnvoyHttpGrpcV3LogProvider': `
      string service; uint32 port; string log_name; string[] filter_state_objects_to_log;
      string[] additional_request_headers_to_log; string[] additional_response_headers_to_log;
      string[] additional_response_trailers_to_log
    `,
    'MeshConfig.ExtensionProvider.EnvoyTcpGrpcV3LogProvider': `
      string service; uint32 port; string log_name; string[] filter_state_objects_to_log
    `,
    'MeshConfig.ExtensionProvider.EnvoyOpenTelemetryLogProvider': `
      string service; uint32 port; string log_name; .LogFormat log_format
    `,
    'MeshConfig.ExtensionProvider.EnvoyOpenTelemetryLogProvider.LogFormat': `
      string text; Struct labels
    `,
    'MeshConfig.ExtensionProvider.SDSProvider': 'string name; string service; uint32 port',
    'MeshConfig.DefaultProviders': 'string[] tracing; string[] metrics; string[] access_logging',
    'MeshConfig.ProxyPathNormalization': '.NormalizationType normalization',
    'MeshConfig.TLSConfig': `
      .TLSProtocol min_protocol_version; string[] ecdh_curves; string[] cipher_suites
    `,
    'MeshConfig.DefaultTrafficPolicy': `
      ConnectionPoolSettings connection_pool; OutlierDetection outlier_detection
    `,
    ServiceEntryVisibility: `
      .Visibility default_visibility; bool apply_to_sidecars; .Policy[] policies
    `,
    'ServiceEntryVisibility.Policy': `
      ServiceEntryVisibility.Visibility visibility; ServiceEntryVisibility.MatchRule[] matching_rules
    `,
    'ServiceEntryVisibility.MatchRule': 'LabelSelector namespace_selector@matcher',
  },
  'istio.networking.v1alpha3': {
    'ConnectionPoolSettings.TCPSettings.TcpKeepalive': `
      uint32 probes; Duration time; Duration interval
    `,
    ClientTLSSettings: `
      .TLSmode mode; string client_certificate; string private_key; string ca_certificates;
      string credential_name; string[] subject_alt_names; string sni; BoolValue insecure_skip_verify;
      string ca_crl
    `,
    ReadinessProbe: `
      int32 initial_delay_seconds; int32 timeout_seconds; int32 period_seconds; int32 success_threshold;
      int32 failure_threshold; HTTPHealthCheckConfig http_get@health_check_method;
      TCPHealthCheckConfig tcp_socket@health_check_method; ExecHealthCheckConfig exec@health_check_method;
      GrpcHealthCheckConfig grpc@health_check_method
    `,
    HTTPHealthCheckConfig: `
      string path; uint32 port; string host; string scheme; HTTPHeader[] http_headers
    `,
    HTTPHeader: 'string name; string value',
    TCPHealthCheckConfig: 'string host; uint32 port',
    ExecHealthCheckConfig: 'string[] command',
    GrpcHealthCheckConfig: 'uint32 port; string service',
    LocalityLoadBalancerSetting: `
      .Distribute[] distribute; .Failover[] failover; string[] failover_priority; BoolValue enabled
    `,
    'LocalityLoadBalancerSetting.Distribute': 'string from; map<uint32> to',
    'LocalityLoadBalancerSetting.Failover': 'string from; string to',
    ZoneAwareLoadBalancerSetting: `
      BoolValue enabled; .Failover[] failover; string[] failover_priority; UInt32Value min_cluster_size
    `,
    'ZoneAwareLoadBalancerSetting.Failover': 'string from; string to',
    HTTPRetry: `
      int32 attempts; Duration per_try_timeout; string retry_on; BoolValue retry_remote_localities;
      BoolValue retry_ignore_previous_hosts; Duration backoff
    `,
    ConnectionPoolSettings: '.TCPSettings tcp; .HTTPSettings http',
    'ConnectionPoolSettings.TCPSettings': `
      int32 max_connections; Duration connect_timeout; .TcpKeepalive tcp_keepalive;
      Duration max_connection_duration; Duration idle_timeout
    `,
    'ConnectionPoolSettings.HTTPSettings': `
      int32 http1_max_pending_requests; int32 http2_max_requests; int32 max_requests_per_connection;
      int32 max_retries; Duration idle_timeout; .H2UpgradePolicy h2_upgrade_policy; bool use_client_protocol;
      int32 max_concurrent_streams; .ConnectionKeepalive http2_keep_alive
    `,
    'ConnectionPoolSettings.HTTPSettings.ConnectionKeepalive': 'Duration interval; Duration timeout',
    OutlierDetection: `
      int32 consecutive_errors; bool split_external_local_origin_errors;
      UInt32Value consecutive_local_origin_failures; UInt32Value consecutive_gateway_errors;
      UInt32Value consecutive_5xx_errors; Duration interval; Duration base_ejection_time;
      int32 max_ejection_percent; int32 min_health_percent; uint32[] outlier_detection_http_error_codes
    `,
  },
  'istio.networking.v1beta1': {
    ProxyConfig: `
      WorkloadSelector selector; Int32Value concurrency; map<string> environment_variables; ProxyImage image
    `,
    WorkloadSelector: 'map<string> match_labels',
    ProxyImage: 'string image_type',
  },
}

/** Enums by package and name: members with their numbers. Source: istio.io/api 1.31. */
export const MESH_ENUMS: EnumTable = {
  'istio.mesh.v1alpha1': {
    AuthenticationPolicy: 'NONE=0 MUTUAL_TLS=1 INHERIT=1000',
    ForwardClientCertDetails:
      'UNDEFINED=0 SANITIZE=1 FORWARD_ONLY=2 APPEND_FORWARD=3 SANITIZE_SET=4 ALWAYS_FORWARD_ONLY=5',
    'MeshConfig.AccessLogEncoding': 'TEXT=0 JSON=1',
    'MeshConfig.ExtensionProvider.OpenCensusAgentTracingProvider.TraceContext':
      'UNSPECIFIED=0 W3C_TRACE_CONTEXT=1 GRPC_BIN=2 CLOUD_TRACE_CONTEXT=3 B3=4',
    'MeshConfig.ExtensionProvider.ServiceAttributeEnrichment': 'ISTIO_CANONICAL=0 OTEL_SEMANTIC_CONVENTIONS=1',
    'MeshConfig.ExtensionProvider.ZipkinTracingProvider.TraceContextOption': 'USE_B3=0 USE_B3_WITH_W3C_PROPAGATION=1',
    'MeshConfig.H2UpgradePolicy': 'DO_NOT_UPGRADE=0 UPGRADE=1',
    'MeshConfig.InboundTrafficPolicy.Mode': 'PASSTHROUGH=0 LOCALHOST=1',
    'MeshConfig.IngressControllerMode': 'UNSPECIFIED=0 OFF=1 DEFAULT=2 STRICT=3',
    'MeshConfig.OutboundTrafficPolicy.Mode': 'REGISTRY_ONLY=0 ALLOW_ANY=1 ALLOW_ANY_DYNAMIC_DNS=3',
    'MeshConfig.ProxyPathNormalization.NormalizationType':
      'DEFAULT=0 NONE=1 BASE=2 MERGE_SLASHES=3 DECODE_AND_MERGE_SLASHES=4',
    'MeshConfig.ServiceScopeConfigs.Scope': 'LOCAL=0 GLOBAL=1',
    'MeshConfig.TLSConfig.TLSProtocol': 'TLS_AUTO=0 TLSV1_2=1 TLSV1_3=2',
    'ProxyConfig.ConnectionSettings.HeadersWithUnderscoresAction':
      'HEADERS_WITH_UNDERSCORES_UNSPECIFIED=0 HEADERS_WITH_UNDERSCORES_ALLOW=1 HEADERS_WITH_UNDERSCORES_REJECT_REQUEST=2 HEADERS_WITH_UNDERSCORES_DROP_HEADER=3',
    'ProxyConfig.ConnectionSettings.PathWithEscapedSlashesAction':
      'PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED=0 KEEP_UNCHANGED=1 REJECT_REQUEST=2 UNESCAPE_AND_REDIRECT=3 UNESCAPE_AND_FORWARD=4',
    'ProxyConfig.ConnectionSettings.Profile': 'SIDECAR=0 EDGE=1',
    'ProxyConfig.InboundInterceptionMode': 'REDIRECT=0 TPROXY=1 NONE=2',
    'ProxyConfig.ProxyHeaders.MetadataExchangeMode': 'UNDEFINED=0 IN_MESH=1',
    'ProxyConfig.TracingServiceName': 'APP_LABEL_AND_NAMESPACE=0 CANONICAL_NAME_ONLY=1 CANONICAL_NAME_AND_NAMESPACE=2',
    Resource: 'SERVICE_REGISTRY=0',
    'ServiceEntryVisibility.Visibility': 'VISIBILITY_UNSPECIFIED=0 NONE=1 NAMESPACE=2 PUBLIC=3',
    'Tracing.OpenCensusAgent.TraceContext': 'UNSPECIFIED=0 W3C_TRACE_CONTEXT=1 GRPC_BIN=2 CLOUD_TRACE_CONTEXT=3 B3=4',
  },
  'istio.networking.v1alpha3': {
    'ClientTLSSettings.TLSmode': 'DISABLE=0 SIMPLE=1 MUTUAL=2 ISTIO_MUTUAL=3',
    'ConnectionPoolSettings.HTTPSettings.H2UpgradePolicy': 'DEFAULT=0 DO_NOT_UPGRADE=1 UPGRADE=2',
  },
}

/** Connection pools, outlier detection and client TLS: blocks of a DestinationRule, the pool of a Sidecar too. */
import { parseDurationNs } from '../../base/duration.ts'
import { field } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { ClientTls, ConnectionPool, OutlierDetection } from '../schema/kinds/destination-rule.ts'
import { checkDuration, checkPercent } from './values.ts'

const POOL_COUNTS = [
  'http1MaxPendingRequests',
  'http2MaxRequests',
  'maxRequestsPerConnection',
  'maxRetries',
  'maxConcurrentStreams',
] as const

export function checkConnectionPool(pool: ConnectionPool | undefined, at: FieldPath, report: Report): void {
  if (pool === undefined) return
  const { http, tcp } = pool
  if (http === undefined && tcp === undefined) {
    report.error('POLICY_EMPTY', at, 'connection pool must have at least one field')
    return
  }
  if (http !== undefined) checkHttpPool(http, field(at, 'http'), report)
  if (tcp !== undefined) checkTcpPool(tcp, field(at, 'tcp'), report)
}

function checkHttpPool(http: NonNullable<ConnectionPool['http']>, at: FieldPath, report: Report): void {
  for (const name of POOL_COUNTS) {
    if ((http[name] ?? 0) < 0) report.error('NUMBER_NEGATIVE', field(at, name), `${name} must be non-negative`)
  }
  checkDuration(http.idleTimeout, field(at, 'idleTimeout'), report)
  if (http.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol === true) {
    report.error(
      'POOL_UPGRADE',
      field(at, 'useClientProtocol'),
      'use client protocol must not be true when H2UpgradePolicy is UPGRADE',
    )
  }
  if (http.http2KeepAlive === undefined) return
  for (const name of ['interval', 'timeout'] as const) {
    const here = field(field(at, 'http2KeepAlive'), name)
    if (http.http2KeepAlive[name] === undefined)
      report.error('KEEPALIVE_INCOMPLETE', here, `http2 keepalive ${name} is required`)
    checkDuration(http.http2KeepAlive[name], here, report)
  }
}

function checkTcpPool(tcp: NonNullable<ConnectionPool['tcp']>, at: FieldPath, report: Report): void {
  if ((tcp.maxConnections ?? 0) < 0)
    report.error('NUMBER_NEGATIVE', field(at, 'maxConnections'), 'max connections must be non-negative')
  checkDuration(tcp.connectTimeout, field(at, 'connectTimeout'), report)
  checkDuration(tcp.maxConnectionDuration, field(at, 'maxConnectionDuration'), report)
  const keepalive = field(at, 'tcpKeepalive')
  checkDuration(tcp.tcpKeepalive?.time, field(keepalive, 'time'), report)
  checkDuration(tcp.tcpKeepalive?.interval, field(keepalive, 'interval'), report)
  // istiod: what rounds to 0 ms switches the timeout off, 500us included.
  const idleMs = Math.trunc((parseDurationNs(tcp.idleTimeout ?? '0') ?? 0) / 1e6)
  if (idleMs !== 0) checkDuration(tcp.idleTimeout, field(at, 'idleTimeout'), report)
}

export function checkOutlierDetection(outlier: OutlierDetection | undefined, at: FieldPath, report: Report): void {
  if (outlier === undefined) return
  checkDuration(outlier.baseEjectionTime, field(at, 'baseEjectionTime'), report)
  checkDuration(outlier.interval, field(at, 'interval'), report)
  if ((outlier.consecutiveErrors ?? 0) !== 0) {
    const text =
      'outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead'
    report.warn('CONSECUTIVE_ERRORS_DEPRECATED', field(at, 'consecutiveErrors'), text)
  }
  if (outlier.splitExternalLocalOriginErrors !== true && (outlier.consecutiveLocalOriginFailures ?? 0) > 0) {
    const text =
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false'
    report.error('OUTLIER_SPLIT', field(at, 'consecutiveLocalOriginFailures'), text)
  }
  checkPercent(outlier.maxEjectionPercent, field(at, 'maxEjectionPercent'), report)
  checkPercent(outlier.minHealthPercent, field(at, 'minHealthPercent'), report)
}

const CONFIG_MAP = 'configmap://'
const filled = (text: string | undefined): boolean => text !== undefined && text !== ''

/** istiod: DISABLE and ISTIO_MUTUAL accept whatever else is set. */
export function checkClientTls(
  tls: ClientTls | undefined,
  { at, namespace, report }: { at: FieldPath; namespace: string; report: Report },
): void {
  if (tls === undefined) return
  checkConfigMapName(tls.credentialName ?? '', { at: field(at, 'credentialName'), namespace, report })
  const mode = tls.mode ?? 'DISABLE'
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') return
  checkSkippedVerification(tls, mode, { at, report })
  if (filled(tls.credentialName)) {
    if (filled(tls.clientCertificate) || filled(tls.caCertificates) || filled(tls.privateKey) || filled(tls.caCrl)) {
      report.error(
        'TLS_CREDENTIAL_CONFLICT',
        at,
        `cannot specify client certificates or CA certificate or CA CRL if credentialName is set`,
      )
    }
    return
  }
  if (mode !== 'MUTUAL') return
  if (!filled(tls.clientCertificate))
    report.error(
      'TLS_CERTIFICATE_REQUIRED',
      field(at, 'clientCertificate'),
      'client certificate required for mutual tls',
    )
  if (!filled(tls.privateKey))
    report.error('TLS_CERTIFICATE_REQUIRED', field(at, 'privateKey'), 'private key required for mutual tls')
}

function checkConfigMapName(
  name: string,
  { at, namespace, report }: { at: FieldPath; namespace: string; report: Report },
): void {
  if (!name.startsWith(CONFIG_MAP)) return
  const [first = '', second = ''] = name.slice(CONFIG_MAP.length).split('/')
  if (first === '' || second === '') {
    report.error('CONFIG_MAP_NAME', at, `invalid configmap:// credentialName: ${name}`)
  } else if (namespace === '' || first !== namespace) {
    report.error(
      'CONFIG_MAP_NAME',
      at,
      `configmap:// credentialName namespace must match: ${first} is not ${namespace}`,
    )
  }
}

function checkSkippedVerification(
  tls: ClientTls,
  mode: 'SIMPLE' | 'MUTUAL',
  { at, report }: { at: FieldPath; report: Report },
): void {
  if (tls.insecureSkipVerify !== true) return
  const refuse = (name: string): void =>
    report.error('TLS_SKIP_VERIFY', field(at, name), `cannot specify ${name} when InsecureSkipVerify is set`)
  if (filled(tls.caCertificates)) refuse('caCertificates')
  if (mode === 'SIMPLE' && filled(tls.credentialName)) refuse('credentialName')
  if (tls.subjectAltNames !== undefined) refuse('subjectAltNames')
}

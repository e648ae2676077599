/** TLS of a Gateway server or a Sidecar ingress listener. */
import { field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { ServerTls } from '../schema/kinds/gateway.ts'

const CIPHERS: ReadonlySet<string> = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
  'DES-CBC3-SHA',
])
const filled = (text: string | undefined): boolean => text !== undefined && text !== ''

export function checkServerTls(tls: ServerTls | undefined, at: FieldPath, report: Report): void {
  if (tls === undefined) return
  warnOfVersionAndCiphers(tls, at, report)
  switch (tls.mode ?? 'PASSTHROUGH') {
    case 'ISTIO_MUTUAL':
      checkMeshCertificates(tls, at, report)
      return
    case 'PASSTHROUGH':
    case 'AUTO_PASSTHROUGH':
      warnOfIgnoredCertificates(tls, at, report)
      checkOneSource(tls, at, report)
      checkRevocationList(tls, at, report)
      return
    case 'SIMPLE':
    case 'MUTUAL':
    case 'OPTIONAL_MUTUAL':
      checkTermination(tls, at, report)
      return
    default:
      // A number that is no mode; the CRD refuses it.
      checkOneSource(tls, at, report)
      checkRevocationList(tls, at, report)
  }
}

function warnOfVersionAndCiphers(
  { minProtocolVersion, cipherSuites = [] }: ServerTls,
  at: FieldPath,
  report: Report,
): void {
  const old = minProtocolVersion === 'TLSV1_0' || minProtocolVersion === 'TLSV1_1'
  if (old && cipherSuites.length === 0) {
    const text =
      'setting `minProtocolVersion` to a version below `TLSV1_2` requires compatible ciphers to be set with `cipherSuites`'
    report.warn('TLS_VERSION_OLD', field(at, 'minProtocolVersion'), text)
  }
  const unknown = new Set<string>()
  const twice = new Set<string>()
  const seen = new Set<string>()
  for (const cipher of cipherSuites) {
    if (!isCipher(cipher)) unknown.add(cipher)
    else if (seen.has(cipher)) twice.add(cipher)
    seen.add(cipher)
  }
  const here = field(at, 'cipherSuites')
  if (unknown.size > 0)
    report.warn('CIPHER_UNKNOWN', here, `ignoring invalid cipher suites: [${[...unknown].sort().join(' ')}]`)
  if (twice.size > 0)
    report.warn('CIPHER_DUPLICATE', here, `ignoring duplicate cipher suites: [${[...twice].sort().join(' ')}]`)
}

/** istiod: what begins with an operator is not examined. */
const isCipher = (name: string): boolean =>
  CIPHERS.has(name) || name === '' || name === 'ALL' || !/^[\p{L}\p{Nd}]/u.test(name)

function checkMeshCertificates(tls: ServerTls, at: FieldPath, report: Report): void {
  const refuse = (name: string, what: string): void =>
    report.error('TLS_MESH_CERTIFICATES', field(at, name), `ISTIO_MUTUAL TLS cannot have associated ${what}`)
  if (filled(tls.serverCertificate)) refuse('serverCertificate', 'server certificate')
  if (filled(tls.privateKey)) refuse('privateKey', 'private key')
  if (filled(tls.caCertificates)) refuse('caCertificates', 'CA bundle')
  if (tls.tlsCertificates !== undefined) refuse('tlsCertificates', 'TLS certificates')
  if (filled(tls.credentialName)) refuse('credentialName', 'credentialName')
  if (tls.credentialNames !== undefined) refuse('credentialNames', 'credentialNames')
}

const hasPair = (tls: ServerTls): boolean => filled(tls.serverCertificate) && filled(tls.privateKey)

function warnOfIgnoredCertificates(tls: ServerTls, at: FieldPath, report: Report): void {
  const texts = [tls.serverCertificate, tls.privateKey, tls.caCertificates, tls.caCrl, tls.credentialName]
  if (!texts.some(filled) && tls.tlsCertificates === undefined && tls.credentialNames === undefined) return
  report.warn(
    'TLS_CERTIFICATES_IGNORED',
    at,
    `${tls.mode ?? 'PASSTHROUGH'} mode does not use certificates, they will be ignored`,
  )
}

function checkOneSource(tls: ServerTls, at: FieldPath, report: Report): void {
  const sources = [
    hasPair(tls),
    filled(tls.credentialName),
    tls.credentialNames !== undefined,
    tls.tlsCertificates !== undefined,
  ]
  if (sources.filter(Boolean).length <= 1) return
  const text =
    'only one of credential_name, credential_names, server_certificate/private_key, tls_certificates should be specified'
  report.error('TLS_SOURCES', at, text)
}

function checkRevocationList(tls: ServerTls, at: FieldPath, report: Report): void {
  if (!filled(tls.caCrl)) return
  const here = field(at, 'caCrl')
  if (filled(tls.credentialName))
    report.error('TLS_CRL', here, 'CRL is not supported with credentialName. CRL has to be specified in the credential')
  if (tls.mode === 'SIMPLE') report.error('TLS_CRL', here, 'CRL is not supported with SIMPLE TLS')
}

/** istiod: once a credential name is there, nothing below it is looked at. */
function checkTermination(tls: ServerTls, at: FieldPath, report: Report): void {
  checkOneSource(tls, at, report)
  if (filled(tls.credentialName) || tls.credentialNames !== undefined) return
  const mutual = tls.mode !== 'SIMPLE'
  if (mutual && !filled(tls.caCertificates)) {
    report.error('TLS_CERTIFICATE_REQUIRED', field(at, 'caCertificates'), 'MUTUAL TLS requires a client CA bundle')
  }
  const certificates = tls.tlsCertificates
  if (certificates !== undefined && certificates.length > 2) {
    report.warn('TLS_CERTIFICATES_MANY', field(at, 'tlsCertificates'), 'TLS can support up to 2 server certificates')
  }
  const subject = mutual ? 'MUTUAL' : 'SIMPLE'
  if (certificates === undefined) checkPair(tls, { at, subject, report })
  else
    for (const [i, pair] of certificates.entries())
      checkPair(pair, { at: index(field(at, 'tlsCertificates'), i), subject, report })
  checkRevocationList(tls, at, report)
}

interface Pair {
  readonly serverCertificate?: string | undefined
  readonly privateKey?: string | undefined
}

function checkPair(pair: Pair, { at, subject, report }: { at: FieldPath; subject: string; report: Report }): void {
  if (!filled(pair.serverCertificate)) {
    report.error(
      'TLS_CERTIFICATE_REQUIRED',
      field(at, 'serverCertificate'),
      `${subject} TLS requires a server certificate`,
    )
  }
  if (!filled(pair.privateKey))
    report.error('TLS_CERTIFICATE_REQUIRED', field(at, 'privateKey'), `${subject} TLS requires a private key`)
}

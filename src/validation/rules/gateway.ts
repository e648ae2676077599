/** Gateway: servers, their ports, hosts and TLS. */
import { isDnsLabel } from '../../base/host-names.ts'
import { portProblem } from '../../base/host-port.ts'
import { field, index, METADATA, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { Gateway, GatewayServer } from '../schema/kinds/gateway.ts'
import { wrongIp, wrongSocketPath } from './hosts.ts'
import { checkNamespacedHost } from './namespaced-host.ts'
import { isHttp, isKnownProtocol, isTls } from './protocols.ts'
import type { KindRules } from './rule-context.ts'
import { hasGatewaySemantics } from './rule-context.ts'
import { checkServerTls } from './server-tls.ts'

const SOCKET = 'unix://'

export const checkGateway: KindRules<Gateway> = ({ servers = [] }, { meta, report }) => {
  const generated = hasGatewaySemantics(meta, 'gateway-semantics')
  if (!generated && !isDnsLabel(meta.name)) {
    report.error('GATEWAY_NAME', field(METADATA, 'name'), `invalid gateway name: "${meta.name}"`)
  }
  if (servers.length === 0)
    report.error('SERVERS_REQUIRED', field(SPEC, 'servers'), 'gateway must have at least one server')
  const names = new Set<string>()
  for (const [i, server] of servers.entries()) {
    const at = index(field(SPEC, 'servers'), i)
    checkServer(server, { at, mayHide: generated, report })
    const name = server.port?.name ?? ''
    if (server.port !== undefined) {
      if (names.has(name))
        report.error(
          'PORT_NAME_DUPLICATE',
          field(field(at, 'port'), 'name'),
          `port names in servers must be unique: duplicate name ${name}`,
        )
      names.add(name)
    }
    if (server.tls?.httpsRedirect === true && !isHttp(server.port?.protocol ?? '')) {
      const text = 'tls.httpsRedirect should only be used with http servers'
      report.warn('HTTPS_REDIRECT_USELESS', field(field(at, 'tls'), 'httpsRedirect'), text)
    }
  }
}

function checkServer(
  server: GatewayServer,
  { at, mayHide, report }: { at: FieldPath; mayHide: boolean; report: Report },
): void {
  const { hosts = [], bind = '', tls } = server
  if (hosts.length === 0)
    report.error('HOSTS_REQUIRED', field(at, 'hosts'), 'server config must contain at least one host')
  for (const [i, host] of hosts.entries()) {
    if (report.isFull()) break
    checkNamespacedHost(host, { at: index(field(at, 'hosts'), i), flavour: { kind: 'gateway', mayHide }, report })
  }
  const before = report.errorCount()
  checkPort(server, field(at, 'port'), report)
  const portIsSound = report.errorCount() === before
  checkBind(bind, server.port?.number ?? 0, { at, report })
  checkServerTls(tls, field(at, 'tls'), report)
  if (portIsSound) checkTlsFitsProtocol(server, field(at, 'tls'), report)
}

function checkPort({ port, bind = '' }: GatewayServer, at: FieldPath, report: Report): void {
  if (port === undefined) {
    report.error('PORT_REQUIRED', at, 'port is required')
    return
  }
  const { protocol = '', number = 0, targetPort = 0, name = '' } = port
  if (!isKnownProtocol(protocol)) {
    const text = `invalid protocol "${protocol}", supported protocols are HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP`
    report.error('PROTOCOL_UNKNOWN', field(at, 'protocol'), text)
  }
  const badNumber = number > 0 || !bind.startsWith(SOCKET) ? portProblem(number) : undefined
  if (badNumber !== undefined) report.error('PORT_RANGE', field(at, 'number'), badNumber)
  if (targetPort > 0)
    report.error('TARGET_PORT_USELESS', field(at, 'targetPort'), 'targetPort has no impact on Gateways')
  if (name === '')
    report.error('PORT_NAME', field(at, 'name'), `port name must be set: number ${number}, protocol "${protocol}"`)
}

function checkBind(bind: string, port: number, { at, report }: { at: FieldPath; report: Report }): void {
  const here = field(at, 'bind')
  if (!bind.startsWith(SOCKET)) {
    const wrong = bind === '' ? undefined : wrongIp(bind)
    if (wrong !== undefined) report.error('BIND_INVALID', here, wrong)
    return
  }
  const wrong = wrongSocketPath(bind.slice(SOCKET.length))
  if (wrong !== undefined) report.error('BIND_INVALID', here, wrong)
  if (port !== 0)
    report.error(
      'SOCKET_PORT',
      field(field(at, 'port'), 'number'),
      `port number must be 0 for unix domain socket: ${bind}`,
    )
}

function checkTlsFitsProtocol({ port, tls }: GatewayServer, at: FieldPath, report: Report): void {
  const protocol = port?.protocol ?? ''
  if (isTls(protocol)) {
    if (tls === undefined) report.error('TLS_REQUIRED', at, 'server must have TLS settings for HTTPS/TLS protocols')
    return
  }
  if (tls === undefined) return
  if (!isHttp(protocol)) {
    report.error('TLS_FORBIDDEN', at, 'server cannot have TLS settings for non HTTPS/TLS ports')
    return
  }
  const mode = tls.mode ?? 'PASSTHROUGH'
  const files = [tls.caCertificates, tls.privateKey, tls.serverCertificate].some(
    (file) => file !== undefined && file !== '',
  )
  if (files || (mode !== 'PASSTHROUGH' && mode !== 'AUTO_PASSTHROUGH')) {
    report.error('TLS_FORBIDDEN', at, 'server cannot have TLS settings for plain text HTTP ports')
  }
}

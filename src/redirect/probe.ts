/** Validation: is a connection really redirected, before an application starts? */
import { randomBytes } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'
import type { RedirectConfig } from './config.ts'

export type ProbeOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const RETRY_MS = 1000
const TOKEN_BYTES = 16

/**
 * Dials an address that is redirected for the proxy's uid and waits for the connection at the proxy's ports.
 * A token stands for the original destination, which Node's sockets do not tell: only our own client sends it,
 * and to no other address. Must run as the proxy's uid, as the rules leave every other one alone.
 */
export async function probeRedirection(config: RedirectConfig): Promise<ProbeOutcome> {
  const v6 = config.hostIp.includes(':')
  const local = v6 ? '::1' : '127.0.0.1'
  const target = { host: v6 ? '::6' : '127.0.0.6', port: config.probePort, localAddress: local }
  const token = randomBytes(TOKEN_BYTES)
  const arrival = deferred()
  const ports = [config.proxyPort, config.inboundCapturePort].map(Number)
  const servers = await Promise.all(
    ports.map((port) => listen({ host: local, port, token, onToken: () => arrival.resolve({ ok: true }) })),
  )
  const bound = servers.filter((server) => server !== undefined)
  if (bound.length === 0)
    return { ok: false, reason: `no listener could be bound at ${ports.join(' or ')} of ${local}` }
  const stop = new AbortController()
  const timer = setTimeout(
    () =>
      arrival.resolve({
        ok: false,
        reason: `no connection to ${target.host}:${target.port} arrived at the proxy's ports`,
      }),
    Math.max(0, config.probeTimeoutNs / 1e6),
  )
  dialUntil(stop.signal, target, token)
  try {
    return await arrival.promise
  } finally {
    clearTimeout(timer)
    stop.abort()
    for (const server of bound) server.close()
  }
}

function deferred(): { promise: Promise<ProbeOutcome>; resolve: (outcome: ProbeOutcome) => void } {
  let resolve: (outcome: ProbeOutcome) => void = () => undefined
  const promise = new Promise<ProbeOutcome>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

interface Listening {
  readonly host: string
  readonly port: number
  readonly token: Buffer
  readonly onToken: () => void
}

/** A port that is taken is skipped: the other one may do. */
function listen({ host, port, token, onToken }: Listening): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      let received = Buffer.alloc(0)
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]).subarray(0, token.length)
        if (received.length < token.length) return
        if (received.equals(token)) onToken()
        socket.destroy()
      })
    })
    server.on('error', () => resolve(undefined))
    server.listen({ host, port }, () => resolve(server))
  })
}

interface Target {
  readonly host: string
  readonly port: number
  readonly localAddress: string
}

function dialUntil(signal: AbortSignal, target: Target, token: Buffer): void {
  const dial = (): void => {
    const socket = connect(target)
    // Refused until the rules are in place: the next attempt tells.
    socket.on('error', () => undefined)
    socket.on('connect', () => socket.end(token))
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
  }
  dial()
  const timer = setInterval(dial, RETRY_MS)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}

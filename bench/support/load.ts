/** A small HTTPS load client: keep-alive connections, each with one request in flight, bodies sent as ready bytes. */
import { connect, type TLSSocket } from 'node:tls'

export interface LoadOptions {
  readonly port: number
  readonly ca: string
  readonly path: string
  /** Yields the body of the n-th request. */
  readonly body: (n: number) => Buffer
  readonly connections: number
  readonly requests: number
  /** Requests a second over all connections, evenly spread; absent: as fast as answers come. */
  readonly ratePerSecond?: number
}

export interface LoadResult {
  /** Milliseconds of each answer, ascending. With a rate, from when the request was due, so waiting in line counts. */
  readonly latenciesMs: Float64Array
  readonly elapsedMs: number
  readonly answerBytes: number
  /** Body of the last answer. */
  readonly lastAnswer: string
}

/** Sends `requests` requests and waits for all answers. @throws Error on any status but 200 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: options.connections }, () => open(options)))
  const latenciesMs = new Float64Array(options.requests)
  const started = performance.now()
  let next = 0
  let answerBytes = 0
  let lastAnswer = ''
  const work = async (socket: TLSSocket): Promise<void> => {
    for (let n = next++; n < options.requests; n = next++) {
      const dueMs = started + (options.ratePerSecond === undefined ? 0 : (n * 1000) / options.ratePerSecond)
      const waitMs = dueMs - performance.now()
      if (options.ratePerSecond !== undefined && waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs))
      const fromMs = options.ratePerSecond === undefined ? performance.now() : Math.min(dueMs, performance.now())
      lastAnswer = await exchange(socket, options.path, options.body(n))
      answerBytes += lastAnswer.length
      latenciesMs[n] = performance.now() - fromMs
    }
  }
  await Promise.all(sockets.map(work))
  const elapsedMs = performance.now() - started
  for (const socket of sockets) socket.destroy()
  return { latenciesMs: latenciesMs.sort(), elapsedMs, answerBytes, lastAnswer }
}

function open({ port, ca }: LoadOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => resolve(socket))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })
}

function exchange(socket: TLSSocket, path: string, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    let wanted = -1
    const settle = (): void => {
      socket.off('data', take)
      socket.off('close', lost)
    }
    const lost = (): void => {
      settle()
      reject(new Error('connection closed before the answer was complete'))
    }
    const take = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      if (wanted < 0) wanted = answerLength(text)
      if (wanted < 0 || text.length < wanted) return
      settle()
      if (text.startsWith('HTTP/1.1 200 ')) resolve(text.slice(text.indexOf('\r\n\r\n') + 4))
      else reject(new Error(text.slice(0, 300)))
    }
    socket.on('data', take)
    socket.once('close', lost)
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    socket.write(body)
  })
}

/** Length of head and body in bytes, or -1 while the head is incomplete. */
function answerLength(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return -1
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, headEnd + 2))?.[1]
  if (length === undefined) throw new Error('answer without content-length')
  return headEnd + 4 + Number(length)
}

/** Requests to the live API server whose whole answers are looked at, which neither kubectl nor our client would show. */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

import { load } from 'js-yaml'

import { KUBECONFIG } from './cluster.ts'

export interface RawAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  /** Texts of the Warning headers. */
  readonly warnings: readonly string[]
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority': string }
  }[]
  readonly users: readonly { readonly user: { readonly token: string } }[]
}

/** A caller with the rights of the test cluster's administrator. */
export function createRawApi(): (method: string, path: string, body?: unknown) => Promise<RawAnswer> {
  const { clusters, users } = load(readFileSync(KUBECONFIG, 'utf8')) as Kubeconfig
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user]
  if (cluster === undefined || user === undefined) throw new Error(`${KUBECONFIG}: no cluster or no user`)
  const agent = new Agent({ keepAlive: true, ca: readFileSync(cluster['certificate-authority'], 'utf8') })
  const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' }
  return async (method, path, body) => {
    const outgoing = request(new URL(path, cluster.server), { method, agent, headers })
    outgoing.end(body === undefined ? '' : JSON.stringify(body))
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    const given = answer.headersDistinct['warning'] ?? []
    return {
      status: answer.statusCode ?? 0,
      body: JSON.parse(await text(answer)) as Record<string, unknown>,
      warnings: given.map((header) => JSON.parse(/^299 - (".*")$/.exec(header)?.[1] ?? '""') as string),
    }
  }
}

/** A cluster by kubeconfig, with every way of authentication that one may name. Loads the client library. */
import type { RequestOptions } from 'node:https'
import { Agent } from 'node:https'

import { KubeConfig } from '@kubernetes/client-node'

import { ProjectError } from '../base/errors.ts'
import { AGENT_OPTIONS } from './agent.ts'
import type { ClusterConnection } from './config.ts'

/** @throws ProjectError KUBE_CONFIG_INVALID; what the library throws for an unreadable file */
export function connectByKubeconfig(file: string, context: string | undefined): ClusterConnection {
  const config = new KubeConfig()
  config.loadFromFile(file)
  if (context !== undefined) config.setCurrentContext(context)
  const cluster = config.getCurrentCluster()
  if (cluster === null)
    throw new ProjectError('KUBE_CONFIG_INVALID', `${file}: no cluster for context ${config.currentContext}`)
  const agents = createAgentCache(config)
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.currentContext)?.namespace ?? 'default',
    requestOptions: async () => {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const { headers = {}, auth } = options
      return { headers, agent: agents(options), ...(auth ? { auth } : {}) }
    },
  }
}

/** The library makes an agent, and so a TLS handshake, for every request; one is enough until the credentials change. */
function createAgentCache(config: KubeConfig): (options: RequestOptions) => RequestOptions['agent'] {
  let known: { readonly identity: string; readonly agent: RequestOptions['agent'] } | undefined
  const cluster = config.getCurrentCluster()
  return (options) => {
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized } = options
    const identity = JSON.stringify([ca, cert, key, pfx, passphrase, rejectUnauthorized].map(String))
    if (known?.identity === identity) return known.agent
    const servername = cluster?.tlsServerName
    const credentials = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }
    const given = Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined))
    const viaLibrary = cluster?.proxyUrl !== undefined || cluster?.server.startsWith('http:') === true
    const agent = viaLibrary ? options.agent : new Agent({ ...AGENT_OPTIONS, ...given })
    known = { identity, agent }
    return agent
  }
}

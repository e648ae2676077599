/** Routing through the `ip` tool. */
import { ProjectError } from '../base/errors.ts'
import type { LocalRoute, Network, PolicyRule } from './routes.ts'
import type { Run, RunResult } from './run.ts'

/** Identical rules that earlier runs may have left; more are somebody else's trouble. */
const MAX_DUPLICATES = 64
const EXISTS = /File exists|already assigned/
const ABSENT = /No such|Cannot assign|not found|does not exist/

/** The namespace that `run` works in. */
export function ipNetwork(run: Run): Network {
  const ip = (...args: readonly string[]): Promise<RunResult> => run('ip', args)
  return {
    addLoopbackAddress: async (cidr) => isNew(await ip('-6', 'addr', 'add', cidr, 'dev', 'lo'), EXISTS),
    removeLoopbackAddress: async (cidr) => expectDone(await ip('-6', 'addr', 'del', cidr, 'dev', 'lo'), ABSENT),
    addPolicyRule: async (rule) => isNew(await ip(...familyOption(rule), 'rule', 'add', ...selector(rule))),
    removePolicyRule: async (rule) => {
      for (let i = 0; i < MAX_DUPLICATES; i++) {
        if ((await ip(...familyOption(rule), 'rule', 'del', ...selector(rule))).exitCode !== 0) return
      }
    },
    hasPolicyRule: async (rule) => {
      const listed = await ip(...familyOption(rule), 'rule', 'show', ...selector(rule))
      return listed.exitCode === 0 && listed.stdout.trim() !== ''
    },
    addLocalRoute: async (route) =>
      isNew(await ip(...familyOption(route), 'route', 'add', ...localDefault(route)), EXISTS),
    removeLocalRoute: async (route) =>
      expectDone(await ip(...familyOption(route), 'route', 'del', ...localDefault(route)), ABSENT),
  }
}

function familyOption({ family }: PolicyRule | LocalRoute): string[] {
  return [family === 'v4' ? '-4' : '-6']
}

function selector({ mark, table }: PolicyRule): string[] {
  return [...(mark === 0 ? [] : ['fwmark', String(mark)]), 'table', String(Math.max(0, table))]
}

function localDefault({ table }: LocalRoute): string[] {
  return ['local', 'default', 'dev', 'lo', 'table', String(Math.max(0, table))]
}

/** Whether something was added; what is tolerated was there. */
function isNew(result: RunResult, tolerated?: RegExp): boolean {
  expectDone(result, tolerated)
  return result.exitCode === 0
}

function expectDone(result: RunResult, tolerated?: RegExp): void {
  if (result.exitCode === 0 || tolerated?.test(result.stderr) === true) return
  const why = result.missing ? 'the ip tool is missing' : result.stderr.trim()
  throw new ProjectError('REDIRECT_ROUTES_FAILED', `failed to configure routes: ${why}`)
}

interface Link {
  readonly addr_info?: readonly { readonly family: string; readonly local?: string; readonly prefixlen?: number }[]
}

/**
 * Addresses of all interfaces with their prefix length, all IPv4 before all IPv6, as the kernel lists them.
 * @throws ProjectError REDIRECT_ENVIRONMENT
 */
export async function listAddresses(run: Run): Promise<readonly string[]> {
  const listed = await run('ip', ['-j', 'addr', 'show'])
  if (listed.exitCode !== 0) {
    const why = listed.missing ? 'the ip tool is missing' : listed.stderr.trim()
    throw new ProjectError('REDIRECT_ENVIRONMENT', `addresses of the namespace cannot be listed: ${why}`)
  }
  const infos = (JSON.parse(listed.stdout) as Link[]).flatMap(({ addr_info = [] }) => addr_info)
  const texts = (family: string): string[] =>
    infos.filter((one) => one.family === family).map(({ local = '', prefixlen = 0 }) => `${local}/${prefixlen}`)
  return [...texts('inet'), ...texts('inet6')]
}

/** `mesh-admission manifests`: prints what an installation in a cluster consists of. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Option } from 'commander'

import { ProjectError } from '../base/errors.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import type { PlanOptions, WebhookNames } from './manifests/plan.ts'
import { planInstallation } from './manifests/plan.ts'
import type { PartName } from './manifests/render.ts'
import { PART_NAMES, renderKustomization, renderManifests } from './manifests/render.ts'
import type { CommandContext } from './output.ts'
import { EXIT } from './output.ts'
import { packageVersion } from './package.ts'

const WEBHOOK_NAMES: readonly WebhookNames[] = ['mesh-admission', 'istio']
const MAX_REPLICAS = 100

export const command: CommandModule = {
  examples: [
    { text: 'Install the default revision', line: 'mesh-admission manifests | kubectl apply -f -' },
    {
      text: 'A canary beside it, that namespaces with istio.io/rev=prod come to',
      line: 'mesh-admission manifests --revision canary --tag prod',
    },
    {
      text: 'Webhook configurations for a server outside the cluster',
      line: 'mesh-admission manifests --url https://10.0.0.1:15017',
    },
    { text: 'Files for kubectl apply -k', line: 'mesh-admission manifests --output-dir injector' },
  ],
  configure: (command) => {
    command
      .option('--namespace <name>', 'namespace of the server (default: mesh-admission)')
      .option('--revision <name>', 'control plane revision (default: default)')
      .option('--tag <name...>', 'revision tag that leads here; repeatable')
      .option('--istio-namespace <name>', "namespace of istiod's ConfigMaps (default: istio-system)")
      .option('--image <reference>', 'image of the server (default: mesh-admission:<version>)')
      .option('--replicas <count>', 'replicas of the server (default: 2)')
      .addOption(new Option('--webhook-names <whose>', "whose names: ours, or istiod's").choices(WEBHOOK_NAMES))
      .option('--url <address>', 'server outside the cluster; only the webhook configurations are printed')
      .option('--enable-namespaces-by-default', 'also inject into namespaces without any label')
      .addOption(new Option('--part <name...>', 'print only this; repeatable').choices(PART_NAMES))
      .option('--output-dir <folder>', 'write a kustomization instead of printing')
  },
  run: async ({ options }: CommandInput, context: CommandContext) => {
    const plan = planInstallation(planOptions(options), packageVersion())
    // A server elsewhere needs no Deployment here; its account is the kubeconfig's.
    const parts =
      (options.part as readonly PartName[] | undefined) ??
      (plan.url === undefined ? PART_NAMES : ['webhooks', 'validation'])
    const folder = text(options, 'outputDir')
    if (folder === undefined) context.print(renderManifests(plan, parts))
    else await writeFiles(folder, renderKustomization(plan, parts), context)
    return EXIT.clean
  },
}

function planOptions(options: CommandInput['options']): PlanOptions {
  const given = {
    namespace: text(options, 'namespace'),
    revision: text(options, 'revision'),
    tags: options.tag as readonly string[] | undefined,
    istioNamespace: text(options, 'istioNamespace'),
    image: text(options, 'image'),
    replicas: replicas(text(options, 'replicas')),
    webhookNames: options.webhookNames as WebhookNames | undefined,
    url: text(options, 'url'),
    enableNamespacesByDefault: options.enableNamespacesByDefault === true,
  }
  // Only names of PlanOptions stand above; what was not given falls to its default there.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function text(options: CommandInput['options'], name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

function replicas(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (/^[1-9]\d*$/.test(given) && Number(given) <= MAX_REPLICAS) return Number(given)
  throw new ProjectError('OPTION_INVALID', `--replicas: expected 1..${MAX_REPLICAS}, got ${given}`)
}

async function writeFiles(folder: string, files: ReadonlyMap<string, string>, context: CommandContext): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, content] of files) {
    await writeFile(join(folder, name), content)
    context.note(`${join(folder, name)}\n`)
  }
}

/** `mesh-admission inject`: pod templates in files get their sidecar, without a webhook. */
import type { Command } from 'commander'
import { Option } from 'commander'
import { ProjectError, messageOf } from '../base/errors.ts'
import { createOfflineInjector, type OfflineInjector } from '../injection/offline-pod.ts'
import { injectDocuments } from '../injection/offline/inject-documents.ts'
import { workloadOf } from '../injection/workload.ts'
import type { CommandInput, CommandModule } from './commands.ts'
import { findTexts } from './inject/configuration.ts'
import { readInputs, type InputFile } from './inject/inputs.ts'
import { createWriter, OUTPUT_FORMATS, type OutputFormat } from './inject/output.ts'
import { EXIT, type CommandContext } from './output.ts'

type Compatibility = 'istiod' | 'off'
type NativeSidecars = 'auto' | 'true' | 'false'

export interface InjectFlags {
  readonly filename?: readonly string[]
  readonly recursive?: true
  readonly output: OutputFormat
  readonly injectConfigFile?: string
  readonly meshConfigFile?: string
  readonly valuesFile?: string
  readonly injectConfigMapName?: string
  readonly meshConfigMapName?: string
  readonly istioNamespace: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly revision: string
  readonly nativeSidecars?: NativeSidecars
  readonly compat: Compatibility
}

export const command: CommandModule = {
  examples: [
    { text: 'Our templates and default values:', line: 'mesh-admission inject -f app.yaml | kubectl apply -f -' },
    { text: 'See what would change, in all files of a folder:', line: 'mesh-admission inject -f app/ -o diff' },
    {
      text: "istiod's configuration, as files:",
      line: 'mesh-admission inject -f app.yaml --injectConfigFile inject.yaml --valuesFile values.json --meshConfigFile mesh.yaml',
    },
    {
      text: "istiod's configuration, from the cluster:",
      line: 'mesh-admission inject -f app.yaml --injectConfigMapName istio-sidecar-injector --meshConfigMapName istio',
    },
  ],
  configure,
  // commander has checked and defaulted everything by the table in `configure`
  run: ({ options }: CommandInput, context: CommandContext) => inject(options as unknown as InjectFlags, context),
}

function configure(command: Command): void {
  command
    .addOption(
      new Option('-f, --filename <path>', 'file, folder or - for standard input; repeatable').argParser(collect),
    )
    .option('-R, --recursive', 'folders with all that is below them')
    .addOption(new Option('-o, --output <format>', 'form of the output').choices(OUTPUT_FORMATS).default('yaml'))
    .option('-i, --istio-namespace <name>', 'namespace of the ConfigMaps', 'istio-system')
    .option('--kubeconfig <file>', 'cluster of the ConfigMaps (env: KUBECONFIG)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-r, --revision <name>', 'control plane revision', '')
    .addOption(
      new Option(
        '--native-sidecars <mode>',
        'whether the proxy is an init container (env: ENABLE_NATIVE_SIDECARS)',
      ).choices(['auto', 'true', 'false']),
    )
    .addOption(
      new Option('--compat <mode>', 'istiod: the very output of istioctl').choices(['istiod', 'off']).default('off'),
    )
  addTwins(command, '--injectConfigFile', 'file', 'injector ConfigMap, the text of its key config, or a bare template')
  addTwins(command, '--meshConfigFile', 'file', 'mesh configuration, or the ConfigMap that holds it')
  addTwins(command, '--valuesFile', 'file', 'text of the key values of the injector ConfigMap')
  addTwins(command, '--injectConfigMapName', 'name', 'injector ConfigMap of the cluster')
  addTwins(command, '--meshConfigMapName', 'name', 'mesh ConfigMap of the cluster')
}

const collect = (value: string, sofar: readonly string[] | undefined): string[] => [...(sofar ?? []), value]

/** istioctl writes these in camel case; the twin in kebab case works, but is not listed. */
function addTwins(command: Command, name: string, value: string, help: string): void {
  const kebab = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  command.addOption(new Option(`${name} <${value}>`, help))
  command.addOption(new Option(`${kebab} <${value}>`, help).hideHelp())
}

async function inject(flags: InjectFlags, context: CommandContext): Promise<number> {
  if (flags.filename === undefined) {
    throw new ProjectError('OPTION_INVALID', 'filename not specified (see --filename or -f)')
  }
  const files = await readInputs(flags.filename, { isRecursive: flags.recursive === true, stdin: context.stdin })
  const injector = await createInjector(flags, context)
  const writer = createWriter(flags.output, context)
  for (const file of files) injectFile(file, { injector, writer, compat: flags.compat, context })
  writer.end()
  return EXIT.clean
}

/** istiod: the command's own environment decides on native sidecars, and `auto` means no. */
async function createInjector(flags: InjectFlags, context: CommandContext): Promise<OfflineInjector> {
  const { env } = context
  const { configText, valuesText, meshTexts, origin } = await findTexts(flags, env)
  try {
    return createOfflineInjector({
      configText,
      valuesText,
      meshTexts,
      revision: flags.revision,
      nativeSidecars: flags.nativeSidecars ?? env.ENABLE_NATIVE_SIDECARS ?? 'auto',
      compliancePolicy: env.COMPLIANCE_POLICY ?? '',
      compat: flags.compat,
      env: () => undefined,
      warn: (warning) => context.note(`${warning}\n`),
    })
  } catch (cause) {
    const isValues = cause instanceof ProjectError && cause.details.part === 'values'
    const place = isValues ? origin.values : origin.config
    throw new ProjectError('CONFIG_INVALID', `${place}: ${messageOf(cause)}`, { cause })
  }
}

interface Run {
  readonly injector: OfflineInjector
  readonly writer: ReturnType<typeof createWriter>
  readonly compat: Compatibility
  readonly context: CommandContext
}

/** What is written before a document fails stays written. @throws ProjectError naming the file */
function injectFile(file: InputFile, { injector, writer, compat, context }: Run): void {
  const output = writer.begin(file)
  try {
    for (const { text, warnings } of injectDocuments(file.text, { inject: injector, workloadOf, compat })) {
      for (const warning of warnings) context.note(`\n${warning}\n\n`)
      output.add(text)
    }
  } catch (cause) {
    const code = cause instanceof ProjectError ? cause.code : 'OFFLINE_INVALID'
    throw new ProjectError(code, `${file.name}: ${messageOf(cause)}`, { cause })
  } finally {
    output.close()
  }
}

/** Metrics of the CNI agent. istiod: those that begin with `istio_cni` have its names and labels. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

const TIME_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export type CniMetrics = ReturnType<typeof createCniMetrics>

/** Instruments of one agent, in a registry of their own. */
export function createCniMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    installs: new Counter({
      name: 'istio_cni_installs_total',
      help: 'Passes of the installer, by result.',
      labelNames: ['result'],
      registers,
    }),
    ready: new Gauge({ name: 'istio_cni_install_ready', help: '1 if the plugin is installed.', registers }),
    repairs: new Counter({
      name: 'istio_cni_repair_pods_repaired_total',
      help: 'Broken pods seen to, by type of repair and result.',
      labelNames: ['type', 'result'],
      registers,
    }),
    calls: new Counter({
      name: 'mesh_admission_cni_calls_total',
      help: 'Calls of the plugin, by command and decision.',
      labelNames: ['command', 'decision'],
      registers,
    }),
    callSeconds: new Histogram({
      name: 'mesh_admission_cni_call_duration_seconds',
      help: 'Seconds from call to answer, by command.',
      labelNames: ['command'],
      buckets: TIME_BUCKETS,
      registers,
    }),
  }
}

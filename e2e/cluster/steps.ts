import { eventually } from '@clientele/platform/testing/wait'
import { filesRound } from '../files-round.ts'
import { as, call, gateway, signIn, signUp } from './api.ts'
import { generatedSecret, memory, podStamp, query, servicePods } from './cluster.ts'
import { loadImages, releases, tag } from './images.ts'
import { underLoad } from './load.ts'
import { attempt, helm, helmJson, helmOk, kubectl, kubectlJson, namespace, release, sh } from './shell.ts'

const chart = 'deploy/helm/clientele'
const values = ['--values', `${chart}/values-local.yaml`, '--set', `image.tag=${tag}`]
const wait = ['--wait', '--timeout', process.env['CLUSTER_TIMEOUT'] ?? '5m']
const keep = process.argv.includes('--keep')
const replace = process.argv.includes('--replace')

const upgrade = (...more: string[]) => helmOk('upgrade', release, chart, ...values, ...wait, ...more)
// Otherwise it waits for the Deployments alone, whose pods are collected later.
const uninstall = () => helmOk('uninstall', release, '--wait', '--cascade', 'foreground', '--timeout', '3m')
const same = (found: unknown, wanted: unknown, what: string): void => {
  if (found !== wanted) throw new Error(`${what} is\n${String(found)}\nand not\n${String(wanted)}`)
}
const everyPodNew = (before: string, after: string): void => {
  const kept = after.split('\n').filter((line) => before.includes(line))
  if (kept.length > 0) throw new Error(`pods were not replaced: ${kept.join(', ')}`)
}
const secondsOf = async (work: () => Promise<unknown>): Promise<string> => {
  const began = performance.now()
  await work()
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}

let customer = ''
let secrets = ''
let revision = ''

/** Each builds on the ones before it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a step says something or not
export const steps: Record<string, () => Promise<string | void>> = {
  'there is a cluster, and nothing of Clientele on it': async () => {
    const version = JSON.parse(await kubectl('version', '--output', 'json')) as {
      serverVersion: { gitVersion: string }
    }
    const { code } = await attempt('kubectl', ['get', 'namespace', namespace])
    if (code === 0 && !replace) throw new Error(`the namespace ${namespace} exists: delete it, or pass --replace`)
    if (code === 0) await sh('kubectl', ['delete', 'namespace', namespace, '--wait', '--timeout', '5m'])
    return version.serverVersion.gitVersion
  },
  'images are in the cluster': () => loadImages(),
  'backing services come up from k8s/overlays/local': async () => {
    await sh('kubectl', ['apply', '--filename', 'k8s/base/namespace.yaml'])
    await sh('k8s/make-secrets', [namespace])
    const said = await sh('kubectl', ['apply', '--kustomize', 'k8s/overlays/local'])
    if (/violate/i.test(said)) throw new Error(`Pod Security warns:\n${said}`)
    for (const name of ['postgres', 'rabbitmq', 'fake-gcs', 'keycloak'])
      await kubectl('rollout', 'status', `statefulset/${name}`, '--timeout', '8m')
  },
  'helm install --wait': async () => {
    const said = await helmOk('install', release, chart, ...values, ...wait)
    if (/violate/i.test(said)) throw new Error(`Pod Security warns:\n${said}`)
    // A node learns of ready pods a moment after Helm does.
    await eventually(async () => same((await call('GET', '/health/ready')).status, 200, 'the health of the gateway'))
    secrets = await generatedSecret()
    return `${(await servicePods()).length} pods ready at ${gateway}`
  },
  'a person signs up, signs in and makes a customer': async () => {
    await signUp()
    const { status, text } = await call('POST', '/v1/customers', as(await signIn(), { name: 'Ada', surname: 'Kept' }))
    same(status, 201, 'the status of a new customer')
    customer = (JSON.parse(text) as { id: string }).id
  },
  'a service has no right on the schema of another': async () => {
    same(await query('select count(*) from customers.customers', 'clientele_customers'), '1', 'the count of its own')
    const foreign = await query('select 1 from users.users', 'clientele_customers').catch(
      (error: Error) => error.message,
    )
    if (!foreign.includes('permission denied')) throw new Error(`clientele_customers may read users: ${foreign}`)
  },
  'customers come from a file, and go out as one': async () => filesRound(gateway, await signIn()),
  'helm test': async () => {
    const said = await helmOk('test', release, '--logs', '--timeout', '3m')
    return `${said.match(/^ok /gm)?.length ?? 0} steps`
  },
  'the doctor, from inside': async () => {
    await kubectl('create', 'job', '--from', `cronjob/${release}-doctor`, 'doctor')
    const job = await eventually(
      async () => {
        const { status } = await kubectlJson<{ status: { succeeded?: number; failed?: number } }>(
          'get',
          'job',
          'doctor',
        )
        if (!status.succeeded && !status.failed) throw new Error('the doctor does not come to an end')
        return status
      },
      { timeoutMs: 120_000, everyMs: 1_000 },
    )
    const log = await kubectl('logs', 'job/doctor')
    if (job.failed) throw new Error(log)
    await kubectl('delete', 'job', 'doctor')
    return log.split('\n').at(-1)
  },
  'memory of the idle pods': async () => {
    const used = Object.entries(await memory()).toSorted(([a], [b]) => a.localeCompare(b))
    return used.map(([name, mb]) => `${name.replace(/^clientele-|-[0-9a-f]{6,10}-\w{5}$/g, '')} ${mb} MB`).join(', ')
  },
  'helm upgrade with another value': async () => {
    const before = await podStamp()
    await upgrade('--set', 'shop.name=Corner')
    const kept = (await podStamp()).split('\n').filter((line) => before.includes(line)).length
    same(kept, (await servicePods()).length - 1, 'the number of pods that were left alone')
    return 'one pod replaced'
  },
  'helm upgrade once more changes nothing': async () => {
    const before = await podStamp()
    await upgrade('--set', 'shop.name=Corner')
    same(await podStamp(), before, 'the set of pods')
    same(await generatedSecret(), secrets, 'the generated Secret')
    revision = (await currentRevision()).toString()
  },
  'an upgrade with a new migration under load': async () => {
    const before = await podStamp()
    const said = await underLoad(async () => void (await upgrade(...next)))
    everyPodNew(before, await podStamp())
    same(await columns(), '1', 'the number of new columns')
    return said
  },
  'a failing migration blocks the roll-out': async () => {
    const before = await podStamp()
    return underLoad(async () => {
      const image = `services.customer-service.image.tag=${releases.broken.tag}`
      const options = [...next, '--set', image, '--set', 'migrations.backoffLimit=0']
      const { code, output } = await helm('upgrade', release, chart, ...values, ...wait, ...options)
      if (code === 0) throw new Error('the upgrade succeeded')
      if (!/pre-upgrade hooks failed/.test(output)) throw new Error(`it failed for another reason: ${output}`)
      const log = await kubectl('logs', `job/${release}-migrations`, '--container', 'customer-service')
      if (!log.includes('already exists')) throw new Error(`the log of the Job does not say why: ${log}`)
      same(await podStamp(), before, 'the set of pods')
    })
  },
  'helm rollback': async () => {
    const before = await podStamp()
    const said = await underLoad(async () => void (await helmOk('rollback', release, revision, ...wait)))
    everyPodNew(before, await podStamp())
    same(await columns(), '1', 'the number of new columns, which the former release runs on,')
    return said
  },
  'helm test after all that': async () => void (await helmOk('test', release, '--timeout', '3m')),
  'helm uninstall leaves the data': async () => {
    await uninstall()
    same((await servicePods()).length, 0, 'the number of pods')
    same(await generatedSecret(), secrets, 'the generated Secret')
    same(
      await query(`select count(*) from customers.customers where id = '${customer}'`),
      '1',
      'the count of the customer',
    )
  },
  'helm install again finds it': async () => {
    const seconds = await secondsOf(() => helmOk('install', release, chart, ...values, ...wait))
    same(await generatedSecret(), secrets, 'the generated Secret')
    await eventually(async () => {
      const { status, text } = await call('GET', `/v1/customers/${customer}`, as(await signIn()))
      if (status !== 200) throw new Error(`the customer is answered by ${status}: ${text}`)
    })
    return `install --wait took ${seconds}`
  },
  'tidies up': async () => {
    if (keep) return 'no: --keep'
    await uninstall()
    await sh('kubectl', ['delete', 'namespace', namespace, '--wait', '--timeout', '5m'])
  },
}

const next = [
  ...['--set', 'shop.name=Corner'],
  ...['--set', `services.customer-service.image.tag=${releases.next.tag}`],
  ...['--set-string', 'defaults.podAnnotations.release=next'],
]

const currentRevision = async (): Promise<number> => {
  const history = await helmJson<{ revision: number }[]>('history', release)
  return Math.max(...history.map(({ revision: number }) => number))
}

const columns = (): Promise<string> =>
  query(
    "select count(*) from information_schema.columns where table_schema = 'customers' and column_name = 'cluster_test'",
  )

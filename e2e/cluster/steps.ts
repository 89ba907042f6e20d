import { eventually } from '@clientele/platform/testing/wait'
import { checkImportAndExport } from '../import-export-check.ts'
import { schemaOf } from '../services.ts'
import { authorized, call, gateway, signIn, signUp } from './api.ts'
import { generatedSecret, podIdentities, podMemory, query, servicePods } from './cluster.ts'
import { loadImages, releases, tag } from './images.ts'
import { underLoad } from './load.ts'
import { helm, helmJson, helmOk, kubectl, kubectlJson, namespace, release, run, sh } from './shell.ts'

const chart = 'deploy/helm/clientele'
const values = [
  ...['--values', `${chart}/values-local.yaml`, '--set', `image.tag=${tag}`],
  // One replica records events, and the other takes over when its pod is replaced.
  ...['--set', 'services.activity-service.replicas=2'],
]
const wait = ['--wait', '--timeout', process.env['CLUSTER_TIMEOUT'] ?? '5m']
const keep = process.argv.includes('--keep')
const replace = process.argv.includes('--replace')

const upgrade = (...more: string[]) => helmOk('upgrade', release, chart, ...values, ...wait, ...more)
// Without `foreground` it does not wait for the pods, which are garbage-collected later.
const uninstall = () => helmOk('uninstall', release, '--wait', '--cascade', 'foreground', '--timeout', '3m')
const expectEqual = (actual: unknown, expected: unknown, what: string): void => {
  if (actual !== expected) throw new Error(`${what} is\n${String(actual)}\nbut should be\n${String(expected)}`)
}
const expectAllReplaced = (before: string, after: string): void => {
  const kept = after.split('\n').filter((line) => before.includes(line))
  if (kept.length > 0) throw new Error(`pods were not replaced: ${kept.join(', ')}`)
}
const timed = async (work: () => Promise<unknown>): Promise<string> => {
  const startedAt = performance.now()
  await work()
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
}

let customer = ''
let secrets = ''
let revision = ''

/** The steps run in this order; each needs the ones before it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a step may return a note
export const steps: Record<string, () => Promise<string | void>> = {
  'the cluster responds and has no namespace of Clientele': async () => {
    const version = JSON.parse(await kubectl('version', '--output', 'json')) as {
      serverVersion: { gitVersion: string }
    }
    const { code } = await run('kubectl', ['get', 'namespace', namespace])
    if (code === 0 && !replace) throw new Error(`the namespace ${namespace} exists: delete it or pass --replace`)
    if (code === 0) await sh('kubectl', ['delete', 'namespace', namespace, '--wait', '--timeout', '5m'])
    return version.serverVersion.gitVersion
  },
  'images are copied into the cluster': () => loadImages(),
  'k8s/overlays/local starts the backing services': async () => {
    await sh('kubectl', ['apply', '--filename', 'k8s/base/namespace.yaml'])
    await sh('k8s/make-secrets', [namespace])
    const output = await sh('kubectl', ['apply', '--kustomize', 'k8s/overlays/local'])
    if (/violate/i.test(output)) throw new Error(`Pod Security warnings:\n${output}`)
    for (const name of ['postgres', 'rabbitmq', 'fake-gcs', 'keycloak'])
      await kubectl('rollout', 'status', `statefulset/${name}`, '--timeout', '8m')
  },
  'helm install --wait succeeds': async () => {
    const output = await helmOk('install', release, chart, ...values, ...wait)
    if (/violate/i.test(output)) throw new Error(`Pod Security warnings:\n${output}`)
    // A node routes to ready pods a moment after Helm sees them.
    await eventually(async () =>
      expectEqual((await call('GET', '/health/ready')).status, 200, 'the status of GET /health/ready'),
    )
    secrets = await generatedSecret()
    return `${(await servicePods()).length} pods ready at ${gateway}`
  },
  'a user signs up, signs in and creates a customer': async () => {
    await signUp()
    const { status, text } = await call(
      'POST',
      '/v1/customers',
      authorized(await signIn(), { name: 'Ada', surname: 'Kept' }),
    )
    expectEqual(status, 201, 'the status of a new customer')
    customer = (JSON.parse(text) as { id: string }).id
  },
  'the database role of a service cannot read another schema': async () => {
    expectEqual(
      await query('select count(*) from customers.customers', 'clientele_customers'),
      '1',
      'the number of customers',
    )
    const foreign = await query('select 1 from users.users', 'clientele_customers').catch(
      (error: Error) => error.message,
    )
    if (!foreign.includes('permission denied')) throw new Error(`clientele_customers can read users: ${foreign}`)
  },
  'the database role of a service cannot change its schema': async () => {
    const change = 'alter table customers.customers add column cluster_test text'
    const changed = await query(change, 'clientele_customers').catch((error: Error) => error.message)
    if (!changed.includes('must be owner')) throw new Error(`clientele_customers can change its schema: ${changed}`)
    expectEqual(
      await query(`select distinct tableowner from pg_tables where schemaname = any('{${Object.values(schemaOf)}}')`),
      'clientele_owner',
      'the owner of the tables',
    )
  },
  'customers are imported from a file and exported to one': async () => checkImportAndExport(gateway, await signIn()),
  'helm test passes': async () => {
    const output = await helmOk('test', release, '--logs', '--timeout', '3m')
    return `${output.match(/^ok /gm)?.length ?? 0} checks`
  },
  'the doctor finds no problem inside the cluster': async () => {
    await kubectl('create', 'job', '--from', `cronjob/${release}-doctor`, 'doctor')
    const job = await eventually(
      async () => {
        const { status } = await kubectlJson<{ status: { succeeded?: number; failed?: number } }>(
          'get',
          'job',
          'doctor',
        )
        if (!status.succeeded && !status.failed) throw new Error('the doctor has not finished')
        return status
      },
      { timeoutMs: 120_000, everyMs: 1_000 },
    )
    const log = await kubectl('logs', 'job/doctor')
    if (job.failed) throw new Error(log)
    await kubectl('delete', 'job', 'doctor')
    return log.split('\n').at(-1)
  },
  'idle pods report their memory': async () => {
    const used = Object.entries(await podMemory()).toSorted(([a], [b]) => a.localeCompare(b))
    return used.map(([name, mb]) => `${name.replace(/^clientele-|-[0-9a-f]{6,10}-\w{5}$/g, '')} ${mb} MB`).join(', ')
  },
  'helm upgrade with another shop name replaces one pod': async () => {
    const before = await podIdentities()
    await upgrade('--set', 'shop.name=Corner')
    const kept = (await podIdentities()).split('\n').filter((line) => before.includes(line)).length
    expectEqual(kept, (await servicePods()).length - 1, 'the number of pods that were not replaced')
    return 'one pod replaced'
  },
  'helm upgrade without a change replaces no pod': async () => {
    const before = await podIdentities()
    await upgrade('--set', 'shop.name=Corner')
    expectEqual(await podIdentities(), before, 'the set of pods')
    expectEqual(await generatedSecret(), secrets, 'the generated Secret')
    revision = (await currentRevision()).toString()
  },
  'helm upgrade with a migration fails no request': async () => {
    const before = await podIdentities()
    const summary = await underLoad(async () => void (await upgrade(...next)))
    expectAllReplaced(before, await podIdentities())
    expectEqual(await columns(), '1', 'the number of new columns')
    return summary
  },
  'a failing migration stops the rollout and fails no request': async () => {
    const before = await podIdentities()
    return underLoad(async () => {
      const image = `services.customer-service.image.tag=${releases.broken.tag}`
      const options = [...next, '--set', image, '--set', 'migrations.backoffLimit=0']
      const { code, output } = await helm('upgrade', release, chart, ...values, ...wait, ...options)
      if (code === 0) throw new Error('the upgrade succeeded')
      if (!/pre-upgrade hooks failed/.test(output)) throw new Error(`it failed for another reason: ${output}`)
      const log = await kubectl('logs', `job/${release}-migrations`, '--container', 'customer-service')
      if (!log.includes('already exists')) throw new Error(`the log of the Job does not show the cause: ${log}`)
      expectEqual(await podIdentities(), before, 'the set of pods')
    })
  },
  'helm rollback fails no request': async () => {
    const before = await podIdentities()
    const summary = await underLoad(async () => void (await helmOk('rollback', release, revision, ...wait)))
    expectAllReplaced(before, await podIdentities())
    expectEqual(await columns(), '1', 'the number of new columns, which the earlier release tolerates,')
    return summary
  },
  'every customer that was created meanwhile is recorded once, in numbers without a gap': () =>
    eventually(
      async () => {
        const missing = `select count(*) from customers.customers where not exists (
          select from activity.events where type = 'customer.created.v1' and subject = customers.id::text)`
        expectEqual(await query(missing), '0', 'the number of customers whose creation is not recorded')
        const numbers = 'select count(*) = count(distinct event_id) and count(*) = max(seq) from activity.events'
        expectEqual(await query(numbers), 't', 'whether events are recorded once and without a gap')
        return `${await query('select max(seq) from activity.events')} events`
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    ),
  'helm test passes after the rollback': async () => void (await helmOk('test', release, '--timeout', '3m')),
  'helm uninstall keeps the data': async () => {
    await uninstall()
    expectEqual((await servicePods()).length, 0, 'the number of pods')
    expectEqual(await generatedSecret(), secrets, 'the generated Secret')
    expectEqual(
      await query(`select count(*) from customers.customers where id = '${customer}'`),
      '1',
      'the number of rows of the customer',
    )
  },
  'helm install finds the data again': async () => {
    const seconds = await timed(() => helmOk('install', release, chart, ...values, ...wait))
    expectEqual(await generatedSecret(), secrets, 'the generated Secret')
    await eventually(async () => {
      const { status, text } = await call('GET', `/v1/customers/${customer}`, authorized(await signIn()))
      if (status !== 200) throw new Error(`GET of the customer returned ${status}: ${text}`)
    })
    return `install --wait took ${seconds}`
  },
  'the release and its namespace are removed': async () => {
    if (keep) return 'skipped: --keep'
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

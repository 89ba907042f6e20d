import { kubectl, kubectlJson, release } from './shell.ts'

type Pod = {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string }
  status: { phase: string; containerStatuses?: { restartCount: number; ready: boolean }[] }
}

const selector = `app.kubernetes.io/instance=${release}`

/** The pods of the release's services, without those that are terminating. */
export const servicePods = async (): Promise<Pod[]> => {
  const { items } = await kubectlJson<{ items: Pod[] }>('get', 'pods', '--selector', selector)
  const otherComponents = ['migrations', 'test', 'doctor']
  return items.filter(
    ({ metadata }) =>
      metadata.deletionTimestamp === undefined &&
      !otherComponents.includes(metadata.labels['app.kubernetes.io/component'] ?? ''),
  )
}

/** The ids and restart counts of the pods. They change if a pod is replaced or restarted. */
export const podIdentities = async (): Promise<string> =>
  (await servicePods())
    .map(({ metadata, status }) => `${metadata.uid}:${status.containerStatuses?.[0]?.restartCount}`)
    .sort()
    .join('\n')

/** The data of the Secret that the chart generated. */
export const generatedSecret = async (): Promise<string> =>
  JSON.stringify((await kubectlJson<{ data: unknown }>('get', 'secret', `${release}-generated`)).data)

export const secretValue = async (name: string, key: string): Promise<string> => {
  const { data } = await kubectlJson<{ data: Record<string, string> }>('get', 'secret', name)
  return Buffer.from(data[key] ?? '', 'base64').toString()
}

/** Runs a statement as a database role, signed in with its password like a service. */
export const query = async (sql: string, role = 'postgres'): Promise<string> => {
  const url = `postgres://${role}@localhost/clientele`
  const secret = role === 'postgres' ? 'postgres-admin' : `clientele-database-${role.replace('clientele_', '')}`
  const password = await secretValue(secret, 'password')
  return kubectl(
    'exec',
    'postgres-0',
    '--',
    'env',
    `PGPASSWORD=${password}`,
    'psql',
    '-h',
    '127.0.0.1',
    '-AtX',
    '-d',
    url,
    '-c',
    sql,
  )
}

type Usage = { pods: { podRef: { name: string; namespace: string }; memory?: { workingSetBytes?: number } }[] }

/** The working set of each pod of the namespace in MB, as the kubelet reports it. */
export const podMemory = async (): Promise<Record<string, number>> => {
  const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes')
  const node = items[0]?.metadata.name ?? ''
  const usage = JSON.parse(await kubectl('get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`)) as Usage
  const pods = usage.pods.filter(({ podRef }) => podRef.namespace === 'clientele')
  return Object.fromEntries(
    pods.map(({ podRef, memory: used }) => [podRef.name, Math.round((used?.workingSetBytes ?? 0) / 1e6)]),
  )
}

const timeoutMs = 20_000

/**
 * Empties every queue of the virtual host by RabbitMQ's management API: events from after the backup would tell services of
 * versions that, after a restore, will be given again to other changes. @returns how many queues there were
 */
export const emptyQueues = async (managementUrl: string, vhost: string): Promise<number> => {
  const { username, password, href } = new URL(managementUrl)
  const base = Object.assign(new URL('api/queues/', href.endsWith('/') ? href : `${href}/`), {
    username: '',
    password: '',
  })
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const call = async (method: string, path: string): Promise<Response> => {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { authorization: `Basic ${credentials}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) throw new Error(`RabbitMQ's management API answers ${response.status} to ${method} ${path}`)
    return response
  }
  const host = encodeURIComponent(vhost)
  const queues = (await (await call('GET', `${host}?columns=name`)).json()) as { name: string }[]
  for (const { name } of queues) await call('DELETE', `${host}/${encodeURIComponent(name)}/contents`)
  return queues.length
}

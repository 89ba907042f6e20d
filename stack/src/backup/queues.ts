import { managementApi } from '../broker/management-api.ts'

/**
 * Empties every queue of the virtual host with RabbitMQ's management API. Events from after the backup have versions that other
 * changes will get after the restore, so no service may handle them. @returns how many queues it emptied
 */
export const emptyQueues = async (managementUrl: string, vhost: string): Promise<number> => {
  const management = managementApi(managementUrl)
  const host = encodeURIComponent(vhost)
  const queues = await management<{ name: string }[]>('GET', `queues/${host}?columns=name`)
  for (const { name } of queues) await management('DELETE', `queues/${host}/${encodeURIComponent(name)}/contents`)
  return queues.length
}

/** A change of a client. Clients may have a service account: a user with whose id the client gets tokens for itself. */
export type ClientChange = {
  kind: 'client'
  /** Keycloak's own id of the client, a UUID. */
  clientKey: string
  /** The `client_id` that the client signs in with. Some events do not show it. */
  clientId: string | undefined
  /**
   * Which tokens of the client end: all that were issued until the event; those `before` its second, because the client may
   * get new ones at once; or none.
   */
  ends: 'all' | 'before' | 'none'
  /** Keycloak has deleted the service account. */
  isGone: boolean
}

type Entry = { operationType?: string; resourcePath?: string; representation?: string }
type Representation = { clientId?: unknown; enabled?: unknown; serviceAccountsEnabled?: unknown; secret?: unknown }

const parse = (text: string | undefined): Representation => {
  try {
    return (JSON.parse(text ?? '{}') ?? {}) as Representation
  } catch {
    return {}
  }
}

/**
 * What an update takes from the client. Keycloak masks secrets, so nothing shows whether a secret in the update is new: it
 * counts as new. Keycloak's console sends the whole client, with its secret, on every save.
 */
const endsByUpdate = ({ enabled, serviceAccountsEnabled, secret }: Representation): ClientChange['ends'] => {
  if (enabled === false || serviceAccountsEnabled === false) return 'all'
  return secret === undefined ? 'none' : 'before'
}

/** Classifies an admin event of `clients/{id}` and `clients/{id}/client-secret`. @returns undefined for all others */
export const clientChange = ({ operationType, resourcePath = '', representation }: Entry): ClientChange | undefined => {
  const [first, clientKey, part] = resourcePath.split('/')
  if (first !== 'clients' || !clientKey || (part !== undefined && part !== 'client-secret')) return undefined
  const client = parse(representation)
  const isDeleted = operationType === 'DELETE' && part === undefined
  const isNewSecret = part === 'client-secret'
  return {
    kind: 'client',
    clientKey,
    clientId: !isNewSecret && typeof client.clientId === 'string' ? client.clientId : undefined,
    ends: isDeleted || isNewSecret ? 'all' : operationType === 'UPDATE' ? endsByUpdate(client) : 'none',
    isGone: isDeleted || client.serviceAccountsEnabled === false,
  }
}

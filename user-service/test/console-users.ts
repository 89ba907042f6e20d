import { eventually } from '@clientele/platform/testing/wait'
import { password, type UsersService, unique } from './users-service.ts'

/** Users as Keycloak's console creates them: by the Admin API, as an administrator of the realm `master`. */
export const consoleUsers = (service: () => UsersService) => {
  const createInConsole = async ({
    username = unique('kim'),
    ...fields
  }: Record<string, unknown> & { username?: string } = {}) => {
    const id = await service().realm.createUser({
      username,
      email: `${username}@example.com`,
      firstName: 'Kim',
      lastName: 'Console',
      password,
      ...fields,
    })
    return { id, username }
  }
  const untilCreated = (id: string) => service().events.next('user.created.v1', id, 5_000)
  /** Waits until all events so far are handled and all marked roles are checked. */
  const untilSynced = async () => {
    await untilCreated((await createInConsole()).id)
    await eventually(async () => {
      const marked = await service().db.query(
        'select 1 from users where roles_checked_at is null and deleted_at is null',
      )
      expect(marked).toEqual([])
    })
  }
  return { createInConsole, untilCreated, untilSynced }
}

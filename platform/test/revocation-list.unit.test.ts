import { createRevocationList } from '@clientele/platform/auth/revocation-list'

const now = Math.floor(Date.now() / 1_000)
const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString()
const token = (issuedAt: number, sessionId?: string, roles = ['user'], id = 'ann') => ({
  issuedAt,
  actor: { id, roles, ...(sessionId !== undefined && { sessionId }) },
})

describe('The list of revoked tokens', () => {
  it('a revocation of a user refuses the tokens of its second and earlier, but those of kept sessions', () => {
    const list = createRevocationList()
    list.add([{ userId: 'ann', notBefore: iso(now + 0.4), keptSessions: ['new'] }])
    expect(list.isRevoked(token(now - 1))).toBe(true)
    expect(list.isRevoked(token(now, 'old'))).toBe(true)
    expect(list.isRevoked(token(now, 'new'))).toBe(false)
    expect(list.isRevoked(token(now + 1))).toBe(false)
    expect(list.isRevoked(token(now - 1, 'old', ['user'], 'bob'))).toBe(false)
  })

  it('a revocation of a session refuses all its tokens and no others', () => {
    const list = createRevocationList()
    list.add([{ userId: 'ann', sessionId: 'ended', notBefore: iso(now) }])
    expect(list.isRevoked(token(now + 60, 'ended'))).toBe(true)
    expect(list.isRevoked(token(now - 60, 'other'))).toBe(false)
    expect(list.isRevoked(token(now - 60))).toBe(false)
  })

  it('a revocation of a role refuses older tokens with the role, but not those of the same second without it', () => {
    const list = createRevocationList()
    list.add([{ userId: 'ann', role: 'admin', notBefore: iso(now + 0.9) }])
    expect(list.isRevoked(token(now, 's', ['user', 'admin']))).toBe(true)
    expect(list.isRevoked(token(now, 's', ['user']))).toBe(false)
    expect(list.isRevoked(token(now + 1, 's', ['user', 'admin']))).toBe(false)
  })

  it('revocations of a user add up in any order, and a later one keeps no session of an earlier one', () => {
    const earlier = { userId: 'ann', notBefore: iso(now + 0.1), keptSessions: ['first'] }
    const later = { userId: 'ann', notBefore: iso(now + 0.5), keptSessions: ['second'] }
    const role = { userId: 'ann', role: 'admin', notBefore: iso(now + 2) }
    for (const order of [
      [earlier, later, role],
      [role, later, earlier],
    ]) {
      const list = createRevocationList()
      list.add(order)
      expect(list.isRevoked(token(now, 'first'))).toBe(true)
      expect(list.isRevoked(token(now, 'second'))).toBe(false)
      expect(list.isRevoked(token(now + 2, 'second', ['admin']))).toBe(true)
    }
  })

  it('sessions that are kept later are kept as well', () => {
    const list = createRevocationList()
    const revocation = { userId: 'ann', notBefore: iso(now) }
    list.add([{ ...revocation, keptSessions: ['first'] }])
    list.add([{ ...revocation, keptSessions: ['first', 'second'] }])
    list.add([revocation])
    expect(list.isRevoked(token(now, 'first'))).toBe(false)
    expect(list.isRevoked(token(now, 'second'))).toBe(false)
    expect(list.isRevoked(token(now, 'third'))).toBe(true)
  })

  it('a revocation of the future counts as one of now', () => {
    const list = createRevocationList()
    list.add([{ userId: 'ann', notBefore: '2099-01-01T00:00:00.000Z' }])
    list.add([{ userId: 'ann', role: 'user', notBefore: '2099-01-01T00:00:00.000Z' }])
    expect(list.isRevoked(token(now))).toBe(true)
    expect(list.isRevoked(token(now + 10))).toBe(false)
  })

  it('a full list refuses every token that is as old as the revocation that it lost', () => {
    const list = createRevocationList({ maxEntries: 3 })
    const ids = ['ann', 'bob', 'cleo', 'dan', 'eve']
    list.add(ids.map((userId, index) => ({ userId, notBefore: iso(now + index) })))
    for (const [index, id] of ids.entries())
      expect([id, list.isRevoked(token(now + index, undefined, [], id))]).toEqual([id, true])
    expect(list.isRevoked(token(now + 1, undefined, [], 'somebody'))).toBe(true)
    expect(list.isRevoked(token(now + 2, undefined, [], 'somebody'))).toBe(false)
  })

  it('a watcher is called when the token is revoked, by user or by session, and not after it stopped', () => {
    const list = createRevocationList()
    const calls: string[] = []
    list.watch(token(now, 'first'), () => calls.push('first'))
    list.watch(token(now, 'second'), () => calls.push('second'))
    list.watch(token(now, 'third'), () => calls.push('third'))()
    list.add([{ userId: 'ann', sessionId: 'second', notBefore: iso(now) }])
    expect(calls).toEqual(['second'])
    list.add([{ userId: 'ann', notBefore: iso(now) }])
    expect(calls).toEqual(['second', 'first', 'second'])
  })

  it('no token passes before the list is loaded', () => {
    const list = createRevocationList()
    expect(() => list.check(token(now))).toThrow(expect.objectContaining({ status: 503 }))
    list.markLoaded()
    expect(() => list.check(token(now))).not.toThrow()
    list.add([{ userId: 'ann', notBefore: iso(now) }])
    expect(() => list.check(token(now))).toThrow(expect.objectContaining({ status: 401 }))
  })
})

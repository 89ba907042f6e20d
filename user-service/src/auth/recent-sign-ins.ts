const recentMs = 2_000

export type RecentSignIns = ReturnType<typeof createRecentSignIns>

/** Remembers for two seconds, in this process, who has signed in. Passwords take Keycloak 100 ms of CPU each, so it stays small. */
export const createRecentSignIns = () => {
  // All entries are kept for the same time, so the map is ordered by their age.
  const byName = new Map<string, { userId: string; at: number }>()

  const forgetOld = (now: number): void => {
    for (const [name, { at }] of byName) {
      if (now - at < recentMs) return
      byName.delete(name)
    }
  }

  return {
    /** `names`: what the user may type as a username. */
    add: (userId: string, names: string[]): void => {
      const at = performance.now()
      forgetOld(at)
      for (const name of names) {
        byName.delete(name)
        byName.set(name, { userId, at })
      }
    },
    /** The id of the user who signed in with this name less than two seconds ago. */
    userIdOf: (name: string): string | undefined => {
      forgetOld(performance.now())
      return byName.get(name)?.userId
    },
  }
}

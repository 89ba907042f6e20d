/** The events of a webhook that wait to be sent again, and how many each subject has. */
export const createWaiting = () => {
  const subjects = new Map<number, string>()
  const counts = new Map<string, number>()
  const count = (subject: string, by: number): void => {
    const left = (counts.get(subject) ?? 0) + by
    if (left > 0) counts.set(subject, left)
    else counts.delete(subject)
  }

  return {
    size: (): number => subjects.size,
    hasSubject: (subject: string): boolean => counts.has(subject),
    add: (seq: number, subject: string): void => {
      if (subjects.has(seq)) return
      subjects.set(seq, subject)
      count(subject, 1)
    },
    /** @returns whether it was waiting */
    remove: (seq: number): boolean => {
      const subject = subjects.get(seq)
      if (subject === undefined) return false
      subjects.delete(seq)
      count(subject, -1)
      return true
    },
  }
}
export type Waiting = ReturnType<typeof createWaiting>

import { fn, literal } from 'sequelize'

type Expression = ReturnType<typeof fn>

/** The database's time, to be stored by a model: the clocks of several processes differ. */
export const databaseTime = (): Expression => fn('now')

/** The database's time, so many seconds from now. */
export const secondsFromNow = (seconds: number): ReturnType<typeof literal> =>
  literal(`now() + make_interval(secs => ${Number(seconds)})`)

/** The database's time, so many seconds ago. */
export const secondsAgo = (seconds: number): ReturnType<typeof literal> => secondsFromNow(-seconds)

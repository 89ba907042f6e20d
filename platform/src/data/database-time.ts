import { fn, literal } from 'sequelize'

type Expression = ReturnType<typeof fn>

/** Returns `now()` of the database, to store with a model. The clocks of processes differ, but there is only one database. */
export const databaseTime = (): Expression => fn('now')

/** Returns `clock_timestamp()` of the database. Unlike {@link databaseTime}, it goes on during a transaction. */
export const databaseClock = (): Expression => fn('clock_timestamp')

/** Returns the time of the database plus `seconds`. */
export const secondsFromNow = (seconds: number): ReturnType<typeof literal> =>
  literal(`now() + make_interval(secs => ${Number(seconds)})`)

/** Returns the time of the database minus `seconds`. */
export const secondsAgo = (seconds: number): ReturnType<typeof literal> => secondsFromNow(-seconds)

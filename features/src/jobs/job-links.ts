import { createHash, randomBytes } from 'node:crypto'
import type { JobFileLink } from '@clientele/contracts/job'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'

/** The files of a job: what it wrote, and the list of rows that failed. */
export type JobFileKind = 'result' | 'errors'

const lifetimeMinutes = 5
const maxLinksPerUser = 100
const secretBytes = 32

const insert = `insert into job_links (token_hash, job_id, file, user_id, expires_at)
  values ($1, $2, $3, $4, clock_timestamp() + make_interval(mins => ${lifetimeMinutes})) returning expires_at as "expiresAt"`
const deleteOldest = `delete from job_links where token_hash in (
  select token_hash from job_links where user_id = $1 order by expires_at desc offset ${maxLinksPerUser})`
// A user may be demoted after the link was made, so the roles are checked again. No event has named a user without a row.
const find = `select from job_links join jobs on jobs.id = job_id left join user_roles on user_roles.id = user_id
  where token_hash = $1 and job_id = $2 and file = $3 and job_links.expires_at > clock_timestamp()
  and (user_roles.id is null or ('user' = any(roles) and (owner_id = user_id or 'admin' = any(roles))))`

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

export type JobLinks = ReturnType<typeof createJobLinks>

/**
 * Creates links to the files of jobs. A link works without an access token for five minutes, for programs that cannot send one, such
 * as a browser that downloads a file. It carries a random secret, of which the database has only a hash.
 * @param base path of the job routes, for example `/v1/jobs`
 * @param publicUrl address of the gateway; without it, links are paths
 */
export const createJobLinks = (db: Db, base: string, publicUrl = '') => {
  /** Returns the URL of a file. It requires an access token. */
  const urlOf = (jobId: string, file: JobFileKind): string => `${publicUrl}${base}/${jobId}/${file}`

  return {
    urlOf,

    /** Creates a link for a user. A user has at most 100; the oldest ones are removed. */
    create: (jobId: string, file: JobFileKind, userId: string): Promise<JobFileLink> =>
      db.transaction(async (tx) => {
        const token = randomBytes(secretBytes).toString('base64url')
        const values = [hashOf(token), jobId, file, userId]
        const [link] = await db.query<{ expiresAt: Date }>(insert, values, { tx })
        await db.query(deleteOldest, [userId], { tx })
        return { url: `${urlOf(jobId, file)}?link=${token}`, expiresAt: link?.expiresAt.toISOString() ?? '' }
      }),

    /** @throws Problem 403 unless the link is valid and its user may still read the file */
    verify: async (token: string, jobId: string, file: JobFileKind): Promise<void> => {
      if ((await db.query(find, [hashOf(token), jobId, file])).length > 0) return
      throw new Problem('forbidden', {
        detail: `the link has expired or is not valid; make a new one with POST ${base}/${jobId}/${file}-link`,
      })
    },
  }
}

/** Deletes all links of a user. */
export const deleteLinksOf = async (db: Db, userId: string, tx: Tx): Promise<void> => {
  await db.query('delete from job_links where user_id = $1', [userId], { tx })
}

import { seed } from '../seed.ts'

const firsts =
  'Maria,Ana,John,Grace,Samuel,Fatima,Peter,Lucia,Omar,Ngozi,Chen,Amina,David,Sofia,Kofi,Elena,Victor,Aisha,Jonas,Mercy,Paulo,Irene,Hassan,Wanjiru,Noah,Leila,Tomas,Zainab,Felix,Rosa,Daniel,Esther,Ravi,Clara,Musa,Ingrid,Pedro,Naomi,Karim,Olga'
const starts =
  'Oka,Mwa,Lind,Garc,Schn,Rossi,Kama,Tana,Ferr,Abde,Nguy,Kowal,Silv,Haas,Owu,Mbek,Ander,Petr,Yilm,Costa,Dubo,Novak,Sing,Omon,Brau'
const ends =
  'for,ngi,berg,ia,eider,ni,u,ka,eira,lla,en,ski,a,man,su,i,son,ov,az,rin,is,ova,h,di,nn,well,ton,by,mark,holm,ford,ley,wick,ez,shi,moto,wa,ke,ndo,la'
const domains = 'example.com,mail.example,shop.example,post.example.org'

/** The number of users that the rows name as their creators. */
const authors = 20

// Squaring makes the first words of the list frequent and the last ones rare.
const pick = (list: string, salt: string) =>
  `(string_to_array('${list}', ','))[1 + floor(power(${salt}, 2) * ${list.split(',').length})::int]`
// A pseudo-random number in [0, 1) that depends on the row only.
const pseudoRandom = (salt: number) => `((hashint8extended(n, ${salt}) & 2147483647) / 2147483648.0)`

const rows = (count: number) => `
with drawn as (
  select n, timestamptz '2024-01-01Z' + n * interval '60 seconds' as at,
    'CUS-' || lpad(n::text, greatest(6, length(n::text)), '0') as code,
    ${pick(firsts, pseudoRandom(1))} as name, ${pick(starts, pseudoRandom(2))} || ${pick(ends, pseudoRandom(3))} as surname,
    ${pick(domains, pseudoRandom(4))} as domain, '+2547' || lpad((n * 7919 % 100000000)::text, 8, '0') as phone,
    case when n % 2 = 0 then 'shop-' || n end as external_id,
    case when n % 10 = 0 then array['wholesale'] when n % 50 = 3 then array['vip', 'event'] else '{}' end as tags,
    'author-' || n % ${authors} as author
  from generate_series(1, ${count}::bigint) as n
), addressed as (
  select *, lower(name || '.' || surname) || '.' || n || '@' || domain as email from drawn
)
insert into customers (id, code, external_id, name, surname, email, phone, tags, address, locale, metadata, search_text,
  created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name, deleted_at, version)
select (substr(stamp, 1, 8) || '-' || substr(stamp, 9, 4) || '-7' || substr(hash, 1, 3) || '-8' || substr(hash, 4, 3) || '-' || substr(hash, 7, 12))::uuid,
  code, external_id, name, surname, email, phone, tags,
  case when n % 2 = 0 then jsonb_build_object('city', 'Nairobi', 'street', n || ' Moi Avenue', 'country', 'KE') end, 'en',
  jsonb_build_object('source', 'shop', 'points', n % 1000),
  lower(concat_ws(' ', name, surname, email, phone, code, external_id, array_to_string(tags, ' '))),
  at, author, 'Person ' || author, at, author, 'Person ' || author,
  case when n % 50 = 7 then at end, 1
from addressed, lateral (select lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as stamp, md5(n::text) as hash) ids`

const editors = `insert into customer_editors (customer_id, user_id, user_name, first_at, last_at)
select id, created_by, created_by_name, created_at, created_at from customers`

/**
 * Fills `customers` with `count` rows, always the same, as the service would have written them: created a minute apart, one in
 * fifty in the trash, with editors and user names. `url` is the service's database.
 */
export const seedCustomers = (url: string, count: number): Promise<void> =>
  seed(url, {
    schema: 'customers',
    tables: ['customers', 'customer_editors', 'user_names'],
    steps: [
      [rows(count)],
      [
        editors,
        `insert into user_names (id, display_name, version)
         select 'author-' || n, 'Person author-' || n, 1 from generate_series(0, ${authors - 1}) as n`,
        `select setval('customer_codes', ${count})`,
      ],
    ],
  })

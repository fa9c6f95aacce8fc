import type { DataOf } from '../genauth/api';
import { isObject } from '../json';
import { malformed, Refusal } from './envelope';
import { objectOf, optionalTextOf } from './parameters';
import type { RequestData } from './request';
import type { StoredUser } from './store';
import type { UserPool } from './userPool';
import { toUserDto } from './userResponse';

const SEARCHED = ['phone', 'email', 'name', 'username', 'nickname'] as const;

/**
 * Lists users from a search index, whose view of identities is `indexLagMs` old. Advanced filters and raw index queries
 * are not supported and get 501.
 *
 * @see docs/genauth-api.md#list-users
 */
export function listUsers({ store, switches }: UserPool, request: RequestData): DataOf<'POST /api/v3/list-users'> {
  if (request['advancedFilter'] !== undefined || request['searchQuery'] !== undefined) {
    throw new Refusal(501, 'unsupported');
  }
  const options = objectOf(request, 'options');
  const pagination = objectOf(options, 'pagination');
  const page = countOf(pagination, 'page', 1);
  const limit = countOf(pagination, 'limit', 10);
  if (limit > 50) throw new Refusal(400, 'limit');
  const keywords = optionalTextOf(request, 'keywords');
  const found = store
    .users()
    .filter(({ profile }) => keywords === undefined || SEARCHED.some((field) => profile[field]?.includes(keywords)));
  const users = sorted(found, options['sort']);
  const asOf = Date.now() - switches.indexLagMs;
  return {
    totalCount: users.length,
    list: users
      .slice((page - 1) * limit, page * limit)
      .map((user) => toUserDto(user, options, switches, store.identitiesAt(user.profile.userId, asOf))),
  };
}

function sorted(users: StoredUser[], sort: unknown): StoredUser[] {
  if (sort === undefined) return users;
  const [by] = Array.isArray(sort) ? (sort as unknown[]) : [];
  if (!isObject(by) || typeof by['field'] !== 'string') throw malformed('sort');
  if (by['order'] !== 'asc' && by['order'] !== 'desc') throw malformed('order');
  const field = by['field'] as keyof StoredUser['profile'];
  const text = (user: StoredUser) => String(user.profile[field] ?? '');
  const ascending = users.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
  return by['order'] === 'asc' ? ascending : ascending.reverse();
}

function countOf(data: RequestData, name: string, whenAbsent: number): number {
  const value = data[name] ?? whenAbsent;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) throw malformed(name);
  return value;
}

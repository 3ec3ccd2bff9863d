"""Words of the page: findings, promises, groups, units."""

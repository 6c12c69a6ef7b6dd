#include "ranges.h"

#include "random.h"

/* A treap: a binary tree by number in which no node has a higher priority than its parent. Random priorities keep it
 * balanced whatever the order of arrival. */

struct range_node *
ranges_overlap(const struct ranges *r, uint64_t first, uint64_t last)
{
	struct range_node *node = r->root, *lowest = NULL;

	while (node != NULL) {
		if (node->last < first) {
			node = node->right;
		} else {
			if (node->first <= last)
				lowest = node;
			node = node->left;
		}
	}
	return lowest;
}

/* Parts the tree at node into what is below first and what is above, hung in at the two places. */
static void
split(struct range_node *node, uint64_t first, struct range_node **below, struct range_node **above)
{
	while (node != NULL) {
		if (node->first < first) {
			*below = node;
			below = &node->right;
			node = node->right;
		} else {
			*above = node;
			above = &node->left;
			node = node->left;
		}
	}
	*below = *above = NULL;
}

void
ranges_add(struct ranges *r, struct range_node *node)
{
	struct range_node **place = &r->root;

	node->priority = (uint32_t)random_u64();
	while (*place != NULL && (*place)->priority >= node->priority)
		place = node->first < (*place)->first ? &(*place)->left : &(*place)->right;
	split(*place, node->first, &node->left, &node->right);
	*place = node;
}

void
ranges_remove(struct ranges *r, struct range_node *node)
{
	struct range_node **place = &r->root;
	struct range_node *left = node->left, *right = node->right;

	while (*place != node)
		place = node->first < (*place)->first ? &(*place)->left : &(*place)->right;
	while (left != NULL && right != NULL) {
		if (left->priority >= right->priority) {
			*place = left;
			place = &left->right;
			left = left->right;
		} else {
			*place = right;
			place = &right->left;
			right = right->left;
		}
	}
	*place = left != NULL ? left : right;
}

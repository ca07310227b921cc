// SPDX-License-Identifier: GPL-2.0
/*
 * fake_nic: an SR-IOV network card with a switch inside, without hardware, for tests in a virtual
 * machine.
 *
 * A PCI driver for the emulated 82576 (by driver_override; the function is never touched). A PF has
 * an uplink netdev that takes every VF setting, a devlink instance with an e-switch (legacy,
 * switchdev), representors of VFs and subfunctions, function attributes and rates. In switchdev
 * mode what a VF or a subfunction sends comes out of its representor and the other way round; the
 * uplinks of the first two PFs are wired to each other.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/auxiliary_bus.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/idr.h>
#include <net/devlink.h>

#define MAX_VFS 8
#define SF_PORT 1000

struct fake_pf;

struct fake_netdev {
	struct net_device __rcu *peer;
	struct fake_pf *pf; /* of an uplink */
};

struct function { /* a VF or a subfunction, seen from the switch */
	struct devlink_port port;
	struct fake_pf *pf;
	struct net_device *rep, *netdev;
	u8 mac[ETH_ALEN];
	bool registered;
	/* VF, legacy settings */
	u32 vlan, qos, min_rate, max_rate, link_state;
	__be16 proto;
	bool spoofchk, trust;
	/* subfunction */
	struct list_head list;
	u32 sfnum;
	struct sf_dev *dev;
};

struct sf_dev {
	struct auxiliary_device adev;
	struct function *f;
};

struct fake_pf {
	struct pci_dev *pdev;
	struct list_head list, sfs;
	struct net_device *uplink;
	struct devlink_port port;
	struct mutex lock; /* netdevs of functions, and who is whose peer */
	u16 mode;
	int reps;
	struct function vf[MAX_VFS];
};

static LIST_HEAD(pfs);
static DEFINE_MUTEX(pfs_lock);
static DEFINE_IDA(sf_ids);
static struct pci_driver driver;

/* --- Network devices --- */

static netdev_tx_t fake_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct fake_netdev *priv = netdev_priv(dev);
	unsigned int len = skb->len;
	struct net_device *peer;

	rcu_read_lock();
	peer = rcu_dereference(priv->peer);
	skb_tx_timestamp(skb);
	if (peer && netif_running(peer)) {
		if (dev_forward_skb(peer, skb) == NET_RX_SUCCESS) {
			dev_sw_netstats_tx_add(dev, 1, len);
			dev_sw_netstats_rx_add(peer, len);
		}
	} else {
		dev_kfree_skb_any(skb);
		dev_core_stats_tx_dropped_inc(dev);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static struct function *vf_of(struct net_device *dev, int vf)
{
	struct fake_pf *pf = ((struct fake_netdev *)netdev_priv(dev))->pf;

	return pf && vf >= 0 && vf < min(pci_num_vf(pf->pdev), MAX_VFS) ? &pf->vf[vf] : NULL;
}

/* clang-format off */
#define VF_SETTER(name, args, what)			\
	static int name args				\
	{						\
		struct function *f = vf_of(dev, vf);	\
							\
		if (!f)					\
			return -EINVAL;			\
		what;					\
		return 0;				\
	}
VF_SETTER(set_vf_mac, (struct net_device *dev, int vf, u8 *mac),
	  if (is_multicast_ether_addr(mac)) return -EINVAL; ether_addr_copy(f->mac, mac))
VF_SETTER(set_vf_vlan, (struct net_device *dev, int vf, u16 vlan, u8 qos, __be16 proto),
	  f->vlan = vlan; f->qos = qos; f->proto = proto)
VF_SETTER(set_vf_rate, (struct net_device *dev, int vf, int min, int max),
	  if (max && min > max) return -EINVAL; f->min_rate = min; f->max_rate = max)
VF_SETTER(set_vf_spoofchk, (struct net_device *dev, int vf, bool on), f->spoofchk = on)
VF_SETTER(set_vf_trust, (struct net_device *dev, int vf, bool on), f->trust = on)
VF_SETTER(set_vf_link_state, (struct net_device *dev, int vf, int state), f->link_state = state)
/* clang-format on */

static int get_vf_config(struct net_device *dev, int vf, struct ifla_vf_info *i)
{
	struct function *f = vf_of(dev, vf);

	if (!f)
		return -EINVAL;
	*i = (struct ifla_vf_info){ .vf = vf,
				    .vlan = f->vlan,
				    .qos = f->qos,
				    .vlan_proto = f->proto ?: htons(ETH_P_8021Q),
				    .min_tx_rate = f->min_rate,
				    .max_tx_rate = f->max_rate,
				    .spoofchk = f->spoofchk,
				    .linkstate = f->link_state,
				    .trusted = f->trust };
	ether_addr_copy(i->mac, f->mac);
	return 0;
}

static const struct net_device_ops function_ops = {
	.ndo_start_xmit = fake_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};
static const struct net_device_ops uplink_ops = {
	.ndo_start_xmit = fake_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_vf_mac = set_vf_mac,
	.ndo_set_vf_vlan = set_vf_vlan,
	.ndo_set_vf_rate = set_vf_rate,
	.ndo_set_vf_spoofchk = set_vf_spoofchk,
	.ndo_set_vf_trust = set_vf_trust,
	.ndo_set_vf_link_state = set_vf_link_state,
	.ndo_get_vf_config = get_vf_config,
};

static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *k)
{
	k->base.speed = SPEED_25000;
	k->base.duplex = DUPLEX_FULL;
	k->base.port = PORT_FIBRE;
	return 0;
}
static const struct ethtool_ops fake_ethtool = { .get_link = ethtool_op_get_link,
						 .get_link_ksettings = get_link_ksettings };

static struct net_device *make_netdev(struct device *parent, const struct net_device_ops *ops,
				      struct fake_pf *pf, struct devlink_port *port, const u8 *mac)
{
	struct net_device *n = alloc_etherdev(sizeof(struct fake_netdev));

	if (!n)
		return NULL;
	n->netdev_ops = ops;
	n->ethtool_ops = &fake_ethtool;
	n->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	n->max_mtu = 9216;
	SET_NETDEV_DEV(n, parent);
	if (port)
		SET_NETDEV_DEVLINK_PORT(n, port);
	((struct fake_netdev *)netdev_priv(n))->pf = ops == &uplink_ops ? pf : NULL;
	if (mac && is_valid_ether_addr(mac))
		eth_hw_addr_set(n, mac);
	else
		eth_hw_addr_random(n);
	if (register_netdev(n)) {
		free_netdev(n);
		return NULL;
	}
	return n;
}

static void join(struct net_device *a, struct net_device *b) /* b may be none: a is alone */
{
	if (a)
		rcu_assign_pointer(((struct fake_netdev *)netdev_priv(a))->peer, b);
	if (b)
		rcu_assign_pointer(((struct fake_netdev *)netdev_priv(b))->peer, a);
}

static void drop_netdev(struct net_device **n, struct net_device *peer)
{
	if (!*n)
		return;
	join(*n, NULL);
	join(peer, NULL);
	synchronize_net();
	unregister_netdev(*n);
	free_netdev(*n);
	*n = NULL;
}

/* --- The switch --- */

static struct function *to_function(struct devlink_port *port)
{
	return container_of(port, struct function, port);
}

static int fn_mac_get(struct devlink_port *port, u8 *mac, int *len, struct netlink_ext_ack *extack)
{
	ether_addr_copy(mac, to_function(port)->mac);
	*len = ETH_ALEN;
	return 0;
}
static int fn_mac_set(struct devlink_port *port, const u8 *mac, int len,
		      struct netlink_ext_ack *extack)
{
	ether_addr_copy(to_function(port)->mac, mac);
	return 0;
}

static void switch_id(struct fake_pf *pf, struct devlink_port_attrs *a)
{
	u32 id = PCI_DEVID(pf->pdev->bus->number, pf->pdev->devfn);

	a->switch_id.id_len = 4;
	memcpy(a->switch_id.id, &id, 4);
}

static int add_rep(struct fake_pf *pf, struct function *f, unsigned int index,
		   const struct devlink_port_ops *ops)
{
	int ret = devl_port_register_with_ops(priv_to_devlink(pf), &f->port, index, ops);

	if (ret)
		return ret;
	f->registered = true;
	devl_rate_leaf_create(&f->port, f, NULL);
	f->rep = make_netdev(&pf->pdev->dev, &function_ops, pf, &f->port, NULL);
	mutex_lock(&pf->lock);
	if (f->netdev)
		join(f->rep, f->netdev);
	mutex_unlock(&pf->lock);
	return 0;
}

static void drop_rep(struct fake_pf *pf, struct function *f)
{
	if (!f->registered)
		return;
	drop_netdev(&f->rep, f->netdev);
	devl_rate_leaf_destroy(&f->port);
	devl_port_unregister(&f->port);
	f->registered = false;
}

static const struct devlink_port_ops vf_port_ops = { .port_fn_hw_addr_get = fn_mac_get,
						     .port_fn_hw_addr_set = fn_mac_set };

static void vf_reps(struct fake_pf *pf, int count) /* the devlink instance is locked */
{
	for (; pf->reps > count; pf->reps--)
		drop_rep(pf, &pf->vf[pf->reps - 1]);
	for (; pf->reps < count; pf->reps++) {
		struct function *f = &pf->vf[pf->reps];

		memset(&f->port, 0, sizeof(f->port));
		switch_id(pf, &f->port.attrs);
		devlink_port_attrs_pci_vf_set(&f->port, 0, 0, pf->reps, false);
		if (add_rep(pf, f, pf->reps + 1, &vf_port_ops))
			return;
	}
}

static int mode_get(struct devlink *dl, u16 *mode)
{
	*mode = ((struct fake_pf *)devlink_priv(dl))->mode;
	return 0;
}

static int mode_set(struct devlink *dl, u16 mode, struct netlink_ext_ack *extack)
{
	struct fake_pf *pf = devlink_priv(dl);

	if (mode == DEVLINK_ESWITCH_MODE_LEGACY && !list_empty(&pf->sfs)) {
		NL_SET_ERR_MSG(extack, "there are subfunctions");
		return -EBUSY;
	}
	pf->mode = mode;
	pf->port.switch_port = mode == DEVLINK_ESWITCH_MODE_SWITCHDEV;
	vf_reps(pf, pf->port.switch_port ? min(pci_num_vf(pf->pdev), MAX_VFS) : 0);
	return 0;
}

static int info_get(struct devlink *dl, struct devlink_info_req *req,
		    struct netlink_ext_ack *extack)
{
	return devlink_info_version_running_put(req, "fw.version", "1.2.3");
}
static int rate_leaf(struct devlink_rate *rate, void *priv, u64 tx, struct netlink_ext_ack *extack)
{
	return 0;
}

/* --- Subfunctions --- */

static ssize_t sfnum_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", container_of(dev, struct sf_dev, adev.dev)->f->sfnum);
}
static DEVICE_ATTR_RO(sfnum);
static struct attribute *sf_attrs[] = { &dev_attr_sfnum.attr, NULL };
ATTRIBUTE_GROUPS(sf);

static void sf_release(struct device *dev)
{
	struct sf_dev *s = container_of(dev, struct sf_dev, adev.dev);

	ida_free(&sf_ids, s->adev.id);
	kfree(s);
}

static int sf_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct function *f = container_of(adev, struct sf_dev, adev)->f;
	struct net_device *n = make_netdev(&adev->dev, &function_ops, f->pf, NULL, f->mac);

	if (!n)
		return -ENOMEM;
	mutex_lock(&f->pf->lock);
	f->netdev = n;
	join(f->rep, n);
	mutex_unlock(&f->pf->lock);
	return 0;
}

static void sf_remove(struct auxiliary_device *adev)
{
	struct function *f = container_of(adev, struct sf_dev, adev)->f;

	mutex_lock(&f->pf->lock);
	drop_netdev(&f->netdev, f->rep);
	mutex_unlock(&f->pf->lock);
}

static const struct auxiliary_device_id sf_ids_table[] = { { .name = KBUILD_MODNAME ".sf" }, {} };
static struct auxiliary_driver sf_driver = {
	.name = "sf", .probe = sf_probe, .remove = sf_remove, .id_table = sf_ids_table
};

static int sf_state_get(struct devlink_port *port, enum devlink_port_fn_state *state,
			enum devlink_port_fn_opstate *opstate, struct netlink_ext_ack *extack)
{
	struct function *f = to_function(port);

	*state = f->dev ? DEVLINK_PORT_FN_STATE_ACTIVE : DEVLINK_PORT_FN_STATE_INACTIVE;
	*opstate = f->netdev ? DEVLINK_PORT_FN_OPSTATE_ATTACHED : DEVLINK_PORT_FN_OPSTATE_DETACHED;
	return 0;
}

static int sf_state_set(struct devlink_port *port, enum devlink_port_fn_state state,
			struct netlink_ext_ack *extack)
{
	struct function *f = to_function(port);
	struct sf_dev *s;
	int ret;

	if (state == DEVLINK_PORT_FN_STATE_INACTIVE && f->dev) {
		auxiliary_device_delete(&f->dev->adev);
		auxiliary_device_uninit(&f->dev->adev);
		f->dev = NULL;
	} else if (state == DEVLINK_PORT_FN_STATE_ACTIVE && !f->dev) {
		s = kzalloc(sizeof(*s), GFP_KERNEL);
		if (!s)
			return -ENOMEM;
		s->f = f;
		s->adev.name = "sf";
		s->adev.id = ida_alloc(&sf_ids, GFP_KERNEL);
		s->adev.dev.parent = &f->pf->pdev->dev;
		s->adev.dev.release = sf_release;
		s->adev.dev.groups = sf_groups;
		ret = auxiliary_device_init(&s->adev);
		if (ret) {
			kfree(s);
			return ret;
		}
		ret = auxiliary_device_add(&s->adev);
		if (ret) {
			auxiliary_device_uninit(&s->adev);
			return ret;
		}
		f->dev = s;
	}
	return 0;
}

static int sf_del(struct devlink *dl, struct devlink_port *port, struct netlink_ext_ack *extack)
{
	struct function *f = to_function(port);

	sf_state_set(port, DEVLINK_PORT_FN_STATE_INACTIVE, extack);
	drop_rep(f->pf, f);
	list_del(&f->list);
	kfree(f);
	return 0;
}

static const struct devlink_port_ops sf_port_ops = {
	.port_del = sf_del,
	.port_fn_hw_addr_get = fn_mac_get,
	.port_fn_hw_addr_set = fn_mac_set,
	.port_fn_state_get = sf_state_get,
	.port_fn_state_set = sf_state_set,
};

static int port_new(struct devlink *dl, const struct devlink_port_new_attrs *a,
		    struct netlink_ext_ack *extack, struct devlink_port **port)
{
	struct fake_pf *pf = devlink_priv(dl);
	struct function *f;
	int ret;

	if (a->flavour != DEVLINK_PORT_FLAVOUR_PCI_SF || !a->sfnum_valid || a->pfnum)
		return -EOPNOTSUPP;
	if (pf->mode != DEVLINK_ESWITCH_MODE_SWITCHDEV) {
		NL_SET_ERR_MSG(extack, "subfunctions need switchdev mode");
		return -EOPNOTSUPP;
	}
	list_for_each_entry (f, &pf->sfs, list)
		if (f->sfnum == a->sfnum)
			return -EEXIST;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->pf = pf;
	f->sfnum = a->sfnum;
	switch_id(pf, &f->port.attrs);
	devlink_port_attrs_pci_sf_set(&f->port, 0, 0, a->sfnum, false);
	ret = add_rep(pf, f, SF_PORT + a->sfnum, &sf_port_ops);
	if (ret) {
		kfree(f);
		return ret;
	}
	list_add_tail(&f->list, &pf->sfs);
	*port = &f->port;
	return 0;
}

static const struct devlink_ops dl_ops = {
	.eswitch_mode_get = mode_get,
	.eswitch_mode_set = mode_set,
	.info_get = info_get,
	.port_new = port_new,
	.rate_leaf_tx_share_set = rate_leaf,
	.rate_leaf_tx_max_set = rate_leaf,
};

/* --- PCI functions --- */

static int probe_pf(struct pci_dev *pdev)
{
	struct devlink *dl = devlink_alloc(&dl_ops, sizeof(struct fake_pf), &pdev->dev);
	struct devlink_port_attrs attrs = { .flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL };
	struct fake_pf *pf, *other;
	int i, ret;

	if (!dl)
		return -ENOMEM;
	pf = devlink_priv(dl);
	pf->pdev = pdev;
	mutex_init(&pf->lock);
	INIT_LIST_HEAD(&pf->sfs);
	for (i = 0; i < MAX_VFS; i++) {
		pf->vf[i].pf = pf;
		pf->vf[i].spoofchk = true;
	}
	pci_set_drvdata(pdev, pf);
	switch_id(pf, &attrs);
	devl_lock(dl);
	devlink_port_attrs_set(&pf->port, &attrs);
	pf->port.switch_port = false;
	ret = devl_port_register(dl, &pf->port, 0);
	if (!ret)
		devl_register(dl);
	devl_unlock(dl);
	if (ret) {
		devlink_free(dl);
		return ret;
	}
	pf->uplink = make_netdev(&pdev->dev, &uplink_ops, pf, &pf->port, NULL);
	mutex_lock(&pfs_lock);
	other = list_first_entry_or_null(&pfs, struct fake_pf, list);
	if (other && list_is_singular(&pfs))
		join(other->uplink, pf->uplink);
	list_add_tail(&pf->list, &pfs);
	mutex_unlock(&pfs_lock);
	return 0;
}

static void remove_pf(struct pci_dev *pdev)
{
	struct fake_pf *pf = pci_get_drvdata(pdev);
	struct devlink *dl = priv_to_devlink(pf);
	struct function *f, *next;

	pci_disable_sriov(pdev);
	mutex_lock(&pfs_lock);
	list_del(&pf->list);
	drop_netdev(&pf->uplink, rcu_dereference_protected(
					 ((struct fake_netdev *)netdev_priv(pf->uplink))->peer, 1));
	mutex_unlock(&pfs_lock);
	devl_lock(dl);
	list_for_each_entry_safe (f, next, &pf->sfs, list)
		sf_del(dl, &f->port, NULL);
	vf_reps(pf, 0);
	devl_unregister(dl);
	devl_port_unregister(&pf->port);
	devl_unlock(dl);
	devlink_free(dl);
}

static struct function *vf_function(struct pci_dev *pdev)
{
	struct pci_dev *physfn = pci_physfn(pdev);
	int vf = pci_iov_vf_id(pdev);

	if (physfn->driver != &driver || vf < 0 || vf >= MAX_VFS)
		return NULL;
	return &((struct fake_pf *)pci_get_drvdata(physfn))->vf[vf];
}

static int probe_vf(struct pci_dev *pdev)
{
	struct function *f = vf_function(pdev);
	struct net_device *n;

	if (!f)
		return -ENODEV;
	n = make_netdev(&pdev->dev, &function_ops, f->pf, NULL, f->mac);
	if (!n)
		return -ENOMEM;
	mutex_lock(&f->pf->lock);
	f->netdev = n;
	join(n, f->rep);
	mutex_unlock(&f->pf->lock);
	return 0;
}

static void remove_vf(struct pci_dev *pdev)
{
	struct function *f = vf_function(pdev);

	if (!f)
		return;
	mutex_lock(&f->pf->lock);
	drop_netdev(&f->netdev, f->rep);
	mutex_unlock(&f->pf->lock);
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = pci_enable_device(pdev);

	if (!ret)
		ret = pdev->is_virtfn ? probe_vf(pdev) : probe_pf(pdev);
	return ret;
}

static void remove(struct pci_dev *pdev)
{
	if (pdev->is_virtfn)
		remove_vf(pdev);
	else
		remove_pf(pdev);
	pci_disable_device(pdev);
}

static int sriov_configure(struct pci_dev *pdev, int count)
{
	struct fake_pf *pf = pci_get_drvdata(pdev);
	struct devlink *dl = priv_to_devlink(pf);
	int ret = 0, i;

	if (!count) {
		devl_lock(dl);
		vf_reps(pf, 0);
		devl_unlock(dl);
		pci_disable_sriov(pdev);
		for (i = 0; i < MAX_VFS; i++)
			eth_zero_addr(pf->vf[i].mac);
		return 0;
	}
	ret = pci_enable_sriov(pdev, count);
	if (ret)
		return ret;
	devl_lock(dl);
	if (pf->mode == DEVLINK_ESWITCH_MODE_SWITCHDEV)
		vf_reps(pf, min(count, MAX_VFS));
	devl_unlock(dl);
	return count;
}

static bool claim;
module_param(claim, bool, 0444);
MODULE_PARM_DESC(claim, "bind to every 82576, and to its VFs, that has no driver yet");
static const struct pci_device_id ids[] = { { PCI_VDEVICE(INTEL, 0x10c9) },
					    { PCI_VDEVICE(INTEL, 0x10ca) },
					    {} };
static struct pci_driver driver = {
	.name = "fake_nic",
	.probe = probe,
	.remove = remove,
	.sriov_configure = sriov_configure,
};

static int __init fake_init(void)
{
	int ret = auxiliary_driver_register(&sf_driver);

	if (ret)
		return ret;
	driver.id_table = claim ? ids : NULL;
	ret = pci_register_driver(&driver);
	if (ret)
		auxiliary_driver_unregister(&sf_driver);
	return ret;
}

static void __exit fake_exit(void)
{
	pci_unregister_driver(&driver);
	auxiliary_driver_unregister(&sf_driver);
}

module_init(fake_init);
module_exit(fake_exit);
MODULE_DESCRIPTION("An SR-IOV network card with a switch, without hardware");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * fake_hca: RDMA devices without hardware, for tests in a virtual machine.
 *
 * Every device is a real `struct ib_device` of the RDMA core, a child of a real PCI function (an
 * emulated 82576 here, which is never touched): what /sys, /dev/infiniband and netlink show of it
 * is what the kernel shows of an adapter. No data moves: sends complete at once and go nowhere.
 *
 * Two ways to a device:
 * - as the PCI driver of a function (driver_override, or claim=1 for all 82576): an InfiniBand-only
 *   function with VFs of its own by sriov_numvfs, and `ip link set ib0 vf N
 * node_guid|port_guid|state`.
 * - `attach` on a function that has another driver (igb): a RoCE or InfiniBand device beside the
 * netdev.
 *
 * /sys/module/fake_hca/parameters/control takes
 *   attach <bdf> ib|roce [name]      detach <name>
 *   port <name> <port> active|init|down
 *   pkey <name> <port> <index> <hex>
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/if_link.h>
#include <rdma/ib_verbs.h>
#include <rdma/ib_mad.h>
#include <rdma/uverbs_ioctl.h>

#define MAX_PORTS 2
#define PKEYS	  16
#define GIDS	  8
#define MAX_VFS	  8

static uint ports = 1, driver_id = RDMA_DRIVER_UNKNOWN, speed = IB_SPEED_EDR;
static bool claim, port_up = true;
static char *name_format = "fhca%d";
module_param(ports, uint, 0644);
MODULE_PARM_DESC(ports, "ports of a device made from now on (1 or 2)");
module_param(driver_id, uint, 0644);
MODULE_PARM_DESC(driver_id, "enum rdma_driver_id; 14 (rxe) lets libibverbs open the device");
module_param(speed, uint, 0644);
MODULE_PARM_DESC(speed, "enum ib_port_speed of a lane (of four)");
module_param(claim, bool, 0444);
MODULE_PARM_DESC(claim, "bind to every 82576 that has no driver yet");
module_param(port_up, bool, 0644);
module_param(name_format, charp, 0644);

struct fake_vf {
	u64 node_guid, port_guid; /* 0: not set by the administrator */
	u32 link_state;
};

struct fake_port {
	enum ib_port_state state;
	u16 pkeys[PKEYS];
	u64 guid;
};

struct fake_dev {
	struct ib_device ib;
	struct pci_dev *pdev;
	struct list_head list;
	bool roce, attached;
	u32 hold_speed;
	struct net_device *netdev; /* RoCE only; under rtnl */
	struct fake_port port[MAX_PORTS];
	struct fake_vf vf[MAX_VFS];
	atomic_t qpn;
};

struct fake_cq {
	struct ib_cq ib;
	spinlock_t lock;
	struct work_struct work;
	struct ib_wc *ring;
	unsigned int size, head, count;
	bool armed;
};

struct fake_qp {
	struct ib_qp ib;
	spinlock_t lock;
	enum ib_qp_state state;
	bool signal_all;
	u64 *recv;
	unsigned int size, head, count;
};

struct fake_pd {
	struct ib_pd ib;
};
struct fake_ah {
	struct ib_ah ib;
};
struct fake_ctx {
	struct ib_ucontext ib;
};

static LIST_HEAD(devices);
static DEFINE_MUTEX(devices_lock);

static struct fake_dev *to_dev(struct ib_device *ib)
{
	return container_of(ib, struct fake_dev, ib);
}
static struct fake_cq *to_cq(struct ib_cq *ib)
{
	return container_of(ib, struct fake_cq, ib);
}
static struct fake_qp *to_qp(struct ib_qp *ib)
{
	return container_of(ib, struct fake_qp, ib);
}

/* --- What a device says of itself --- */

static int query_device(struct ib_device *ib, struct ib_device_attr *a, struct ib_udata *udata)
{
	a->fw_ver = 1ULL << 32 | 2 << 16 | 3;
	a->sys_image_guid = ib->node_guid;
	a->max_mr_size = ~0ULL;
	a->page_size_cap = PAGE_SIZE;
	a->vendor_id = to_dev(ib)->pdev->vendor;
	a->vendor_part_id = to_dev(ib)->pdev->device;
	a->hw_ver = 1;
	a->max_qp = 1024;
	a->max_qp_wr = 1024;
	a->max_send_sge = a->max_recv_sge = 16;
	a->max_cq = 1024;
	a->max_cqe = 4096;
	a->max_mr = a->max_pd = a->max_ah = 1024;
	a->max_mcast_grp = 64;
	a->max_mcast_qp_attach = a->max_total_mcast_qp_attach = 64;
	a->max_pkeys = PKEYS;
	a->device_cap_flags = IB_DEVICE_SYS_IMAGE_GUID;
	return 0;
}

static int query_port(struct ib_device *ib, u32 port, struct ib_port_attr *a)
{
	struct fake_dev *d = to_dev(ib);

	a->state = d->port[port - 1].state;
	if (d->roce) {
		struct net_device *n = ib_device_get_netdev(ib, port);

		if (a->state == IB_PORT_ACTIVE && !(n && netif_running(n) && netif_carrier_ok(n)))
			a->state = IB_PORT_DOWN;
		dev_put(n);
		a->ip_gids = true;
		a->pkey_tbl_len = 1;
	} else {
		a->lid = a->state >= IB_PORT_ARMED
				 ? 1 + PCI_DEVID(d->pdev->bus->number, d->pdev->devfn)
				 : 0;
		a->sm_lid = a->lid ? 1 : 0;
		a->pkey_tbl_len = PKEYS;
		a->subnet_timeout = 18;
		a->max_vl_num = 1;
	}
	a->phys_state =
		a->state == IB_PORT_DOWN ? IB_PORT_PHYS_STATE_POLLING : IB_PORT_PHYS_STATE_LINK_UP;
	a->max_mtu = a->active_mtu = IB_MTU_4096;
	a->gid_tbl_len = GIDS;
	a->port_cap_flags = IB_PORT_CM_SUP;
	a->max_msg_sz = 1 << 30;
	a->active_width = IB_WIDTH_4X;
	a->active_speed = d->hold_speed;
	return 0;
}

static int get_port_immutable(struct ib_device *ib, u32 port, struct ib_port_immutable *im)
{
	im->core_cap_flags =
		to_dev(ib)->roce ? RDMA_CORE_PORT_IBA_ROCE_UDP_ENCAP : RDMA_CORE_PORT_IBA_IB;
	im->pkey_tbl_len = to_dev(ib)->roce ? 1 : PKEYS;
	im->gid_tbl_len = GIDS;
	im->max_mad_size = IB_MGMT_MAD_SIZE;
	return 0;
}

static enum rdma_link_layer get_link_layer(struct ib_device *ib, u32 port)
{
	return to_dev(ib)->roce ? IB_LINK_LAYER_ETHERNET : IB_LINK_LAYER_INFINIBAND;
}

static int query_gid(struct ib_device *ib, u32 port, int index, union ib_gid *gid)
{
	memset(gid, 0, sizeof(*gid));
	if (index == 0) {
		gid->global.subnet_prefix = cpu_to_be64(0xfe80000000000000ULL);
		gid->global.interface_id = cpu_to_be64(to_dev(ib)->port[port - 1].guid);
	}
	return 0;
}

static int add_gid(const struct ib_gid_attr *attr, void **context)
{
	return 0;
}
static int del_gid(const struct ib_gid_attr *attr, void **context)
{
	return 0;
}

static int query_pkey(struct ib_device *ib, u32 port, u16 index, u16 *pkey)
{
	if (index >= (to_dev(ib)->roce ? 1 : PKEYS))
		return -EINVAL;
	*pkey = to_dev(ib)->port[port - 1].pkeys[index];
	return 0;
}

static void get_dev_fw_str(struct ib_device *ib, char *str)
{
	strscpy(str, "1.2.3", IB_FW_VERSION_NAME_MAX);
}

static ssize_t hca_type_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "FAKE1\n");
}
static ssize_t board_id_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "FAK0000000001\n");
}
static DEVICE_ATTR_RO(hca_type);
static DEVICE_ATTR_RO(board_id);
static struct attribute *fake_attrs[] = { &dev_attr_hca_type.attr, &dev_attr_board_id.attr, NULL };
static const struct attribute_group fake_group = { .attrs = fake_attrs };

/* --- The administrator's settings of VFs, as the IPoIB interface of the PF passes them on --- */

static struct fake_vf *vf_of(struct ib_device *ib, int vf)
{
	struct fake_dev *d = to_dev(ib);

	return vf >= 0 && vf < min(pci_num_vf(d->pdev), MAX_VFS) ? &d->vf[vf] : NULL;
}

static void change_port(struct fake_dev *d, u32 port,
			enum ib_port_state state) /* devices_lock is held */
{
	struct ib_event event = { .device = &d->ib,
				  .element.port_num = port,
				  .event = state == IB_PORT_ACTIVE ? IB_EVENT_PORT_ACTIVE
								   : IB_EVENT_PORT_ERR };

	d->port[port - 1].state = state;
	ib_dispatch_event(&event);
}

static int set_vf_link_state(struct ib_device *ib, int vf, u32 port, int state)
{
	struct fake_vf *v = vf_of(ib, vf);
	struct fake_dev *d;

	if (!v)
		return -EINVAL;
	v->link_state = state;
	mutex_lock(&devices_lock);
	list_for_each_entry (d, &devices, list)
		if (d->pdev->is_virtfn && pci_physfn(d->pdev) == to_dev(ib)->pdev &&
		    pci_iov_vf_id(d->pdev) == vf)
			change_port(d, 1,
				    state == IFLA_VF_LINK_STATE_DISABLE ? IB_PORT_DOWN
									: IB_PORT_ACTIVE);
	mutex_unlock(&devices_lock);
	return 0;
}

static int get_vf_config(struct ib_device *ib, int vf, u32 port, struct ifla_vf_info *info)
{
	struct fake_vf *v = vf_of(ib, vf);

	if (!v)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->linkstate = v->link_state;
	return 0;
}

static int get_vf_stats(struct ib_device *ib, int vf, u32 port, struct ifla_vf_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return vf_of(ib, vf) ? 0 : -EINVAL;
}

static int get_vf_guid(struct ib_device *ib, int vf, u32 port, struct ifla_vf_guid *node,
		       struct ifla_vf_guid *prt)
{
	struct fake_vf *v = vf_of(ib, vf);

	if (!v)
		return -EINVAL;
	node->guid = v->node_guid;
	prt->guid = v->port_guid;
	return 0;
}

static int set_vf_guid(struct ib_device *ib, int vf, u32 port, u64 guid, int type)
{
	struct fake_vf *v = vf_of(ib, vf);

	if (!v)
		return -EINVAL;
	*(type == IFLA_VF_IB_NODE_GUID ? &v->node_guid : &v->port_guid) = guid;
	return 0;
}

/* --- Verbs --- */

static int alloc_ucontext(struct ib_ucontext *ctx, struct ib_udata *udata)
{
	return 0;
}
static void dealloc_ucontext(struct ib_ucontext *ctx)
{
}
static void disassociate_ucontext(struct ib_ucontext *ctx)
{
}
static int alloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}
static int dealloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}
static int create_ah(struct ib_ah *ah, struct rdma_ah_init_attr *a, struct ib_udata *udata)
{
	return 0;
}
static int destroy_ah(struct ib_ah *ah, u32 flags)
{
	return 0;
}
static int attach_mcast(struct ib_qp *qp, union ib_gid *gid, u16 lid)
{
	return 0;
}

static struct ib_mr *get_dma_mr(struct ib_pd *pd, int access)
{
	struct ib_mr *mr = kzalloc(sizeof(*mr), GFP_KERNEL);

	return mr ?: ERR_PTR(-ENOMEM);
}

static struct ib_mr *reg_user_mr(struct ib_pd *pd, u64 start, u64 length, u64 virt, int access,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
				 struct ib_dmah *dmah,
#endif
				 struct ib_udata *udata)
{
	return get_dma_mr(pd, access);
}

static int dereg_mr(struct ib_mr *mr, struct ib_udata *udata)
{
	kfree(mr);
	return 0;
}

static void cq_work(struct work_struct *work)
{
	struct fake_cq *cq = container_of(work, struct fake_cq, work);

	local_bh_disable();
	if (cq->ib.comp_handler)
		cq->ib.comp_handler(&cq->ib, cq->ib.cq_context);
	local_bh_enable();
}

static void complete_wr(struct ib_cq *ib, struct fake_qp *qp, u64 wr_id, enum ib_wc_opcode op,
			enum ib_wc_status status)
{
	struct fake_cq *cq = to_cq(ib);
	unsigned long flags;

	spin_lock_irqsave(&cq->lock, flags);
	if (cq->count < cq->size)
		cq->ring[(cq->head + cq->count++) % cq->size] = (struct ib_wc){
			.wr_id = wr_id, .status = status, .opcode = op, .qp = &qp->ib
		};
	if (cq->armed) {
		cq->armed = false;
		schedule_work(&cq->work);
	}
	spin_unlock_irqrestore(&cq->lock, flags);
}

static int create_cq(struct ib_cq *ib, const struct ib_cq_init_attr *a,
		     struct uverbs_attr_bundle *attrs)
{
	struct fake_cq *cq = to_cq(ib);

	cq->size = a->cqe + 1;
	cq->ring = kvcalloc(cq->size, sizeof(*cq->ring), GFP_KERNEL);
	if (!cq->ring)
		return -ENOMEM;
	spin_lock_init(&cq->lock);
	INIT_WORK(&cq->work, cq_work);
	ib->cqe = a->cqe;
	return 0;
}

static int destroy_cq(struct ib_cq *ib, struct ib_udata *udata)
{
	cancel_work_sync(&to_cq(ib)->work);
	kvfree(to_cq(ib)->ring);
	return 0;
}

static int poll_cq(struct ib_cq *ib, int entries, struct ib_wc *wc)
{
	struct fake_cq *cq = to_cq(ib);
	unsigned long flags;
	int n = 0;

	spin_lock_irqsave(&cq->lock, flags);
	for (; n < entries && cq->count; n++, cq->count--, cq->head = (cq->head + 1) % cq->size)
		wc[n] = cq->ring[cq->head];
	spin_unlock_irqrestore(&cq->lock, flags);
	return n;
}

static int req_notify_cq(struct ib_cq *ib, enum ib_cq_notify_flags how)
{
	struct fake_cq *cq = to_cq(ib);
	unsigned long flags;
	int missed;

	spin_lock_irqsave(&cq->lock, flags);
	cq->armed = true;
	missed = (how & IB_CQ_REPORT_MISSED_EVENTS) && cq->count;
	spin_unlock_irqrestore(&cq->lock, flags);
	return missed;
}

static int create_qp(struct ib_qp *ib, struct ib_qp_init_attr *a, struct ib_udata *udata)
{
	struct fake_qp *qp = to_qp(ib);

	qp->size = a->cap.max_recv_wr + 1;
	qp->recv = kvcalloc(qp->size, sizeof(*qp->recv), GFP_KERNEL);
	if (!qp->recv)
		return -ENOMEM;
	spin_lock_init(&qp->lock);
	qp->signal_all = a->sq_sig_type == IB_SIGNAL_ALL_WR;
	ib->qp_num = a->qp_type == IB_QPT_SMI ? 0
		     : a->qp_type == IB_QPT_GSI
			     ? 1
			     : 2 + (atomic_inc_return(&to_dev(ib->device)->qpn) & 0xffff);
	return 0;
}

static int modify_qp(struct ib_qp *ib, struct ib_qp_attr *a, int mask, struct ib_udata *udata)
{
	struct fake_qp *qp = to_qp(ib);
	unsigned long flags;

	if (!(mask & IB_QP_STATE))
		return 0;
	spin_lock_irqsave(&qp->lock, flags);
	qp->state = a->qp_state;
	for (; qp->state == IB_QPS_ERR && qp->count;
	     qp->count--, qp->head = (qp->head + 1) % qp->size)
		complete_wr(ib->recv_cq, qp, qp->recv[qp->head], IB_WC_RECV, IB_WC_WR_FLUSH_ERR);
	if (qp->state == IB_QPS_RESET)
		qp->count = 0;
	spin_unlock_irqrestore(&qp->lock, flags);
	return 0;
}

static int query_qp(struct ib_qp *ib, struct ib_qp_attr *a, int mask, struct ib_qp_init_attr *init)
{
	a->qp_state = a->cur_qp_state = to_qp(ib)->state;
	return 0;
}

static int destroy_qp(struct ib_qp *ib, struct ib_udata *udata)
{
	kvfree(to_qp(ib)->recv);
	return 0;
}

static int post_send(struct ib_qp *ib, const struct ib_send_wr *wr, const struct ib_send_wr **bad)
{
	struct fake_qp *qp = to_qp(ib);

	for (; wr; wr = wr->next)
		if (qp->signal_all || (wr->send_flags & IB_SEND_SIGNALED) ||
		    qp->state == IB_QPS_ERR)
			complete_wr(ib->send_cq, qp, wr->wr_id, IB_WC_SEND,
				    qp->state == IB_QPS_ERR ? IB_WC_WR_FLUSH_ERR : IB_WC_SUCCESS);
	return 0;
}

static int post_recv(struct ib_qp *ib, const struct ib_recv_wr *wr, const struct ib_recv_wr **bad)
{
	struct fake_qp *qp = to_qp(ib);
	unsigned long flags;
	int ret = 0;

	spin_lock_irqsave(&qp->lock, flags);
	for (; wr && !ret; wr = wr->next) {
		if (qp->state == IB_QPS_ERR) {
			complete_wr(ib->recv_cq, qp, wr->wr_id, IB_WC_RECV, IB_WC_WR_FLUSH_ERR);
		} else if (qp->count == qp->size) {
			*bad = wr;
			ret = -ENOMEM;
		} else {
			qp->recv[(qp->head + qp->count++) % qp->size] = wr->wr_id;
		}
	}
	spin_unlock_irqrestore(&qp->lock, flags);
	return ret;
}

static struct ib_device_ops ops = {
	.owner = THIS_MODULE,
	.uverbs_abi_ver = 2,
	.device_group = &fake_group,
	.query_device = query_device,
	.query_port = query_port,
	.get_port_immutable = get_port_immutable,
	.get_link_layer = get_link_layer,
	.query_pkey = query_pkey,
	.get_dev_fw_str = get_dev_fw_str,
	.alloc_ucontext = alloc_ucontext,
	.dealloc_ucontext = dealloc_ucontext,
	.disassociate_ucontext = disassociate_ucontext,
	.alloc_pd = alloc_pd,
	.dealloc_pd = dealloc_pd,
	.create_ah = create_ah,
	.destroy_ah = destroy_ah,
	.get_dma_mr = get_dma_mr,
	.reg_user_mr = reg_user_mr,
	.dereg_mr = dereg_mr,
	.create_cq = create_cq,
	.destroy_cq = destroy_cq,
	.poll_cq = poll_cq,
	.req_notify_cq = req_notify_cq,
	.create_qp = create_qp,
	.modify_qp = modify_qp,
	.query_qp = query_qp,
	.destroy_qp = destroy_qp,
	.post_send = post_send,
	.post_recv = post_recv,
	.attach_mcast = attach_mcast,
	.detach_mcast = attach_mcast,
	INIT_RDMA_OBJ_SIZE(ib_ah, fake_ah, ib),
	INIT_RDMA_OBJ_SIZE(ib_cq, fake_cq, ib),
	INIT_RDMA_OBJ_SIZE(ib_pd, fake_pd, ib),
	INIT_RDMA_OBJ_SIZE(ib_qp, fake_qp, ib),
	INIT_RDMA_OBJ_SIZE(ib_ucontext, fake_ctx, ib),
};

static const struct ib_device_ops ib_ops = {
	.query_gid = query_gid,
	.set_vf_link_state = set_vf_link_state,
	.get_vf_config = get_vf_config,
	.get_vf_stats = get_vf_stats,
	.get_vf_guid = get_vf_guid,
	.set_vf_guid = set_vf_guid,
};
static const struct ib_device_ops roce_ops = { .add_gid = add_gid, .del_gid = del_gid };

/* --- Coming and going --- */

static struct fake_dev *find(const char *name, struct pci_dev *pdev) /* devices_lock is held */
{
	struct fake_dev *d;

	list_for_each_entry (d, &devices, list)
		if (name ? !strcmp(dev_name(&d->ib.dev), name) : d->pdev == pdev)
			return d;
	return NULL;
}

/* A GUID of the function's own, unless the administrator gave the VF one before its driver came. */
static void give_guids(struct fake_dev *d)
{
	u64 own = 0x0200000000000000ULL | (u64)PCI_DEVID(d->pdev->bus->number, d->pdev->devfn) << 8;
	struct fake_dev *pf = d->pdev->is_virtfn ? find(NULL, pci_physfn(d->pdev)) : NULL;
	int vf = pf ? pci_iov_vf_id(d->pdev) : -1, i;

	d->ib.node_guid = cpu_to_be64(own);
	for (i = 0; i < MAX_PORTS; i++) {
		d->port[i].guid = own + i + 1;
		d->port[i].state = port_up ? IB_PORT_ACTIVE : IB_PORT_DOWN;
		d->port[i].pkeys[0] = 0xffff;
	}
	if (vf >= 0 && vf < MAX_VFS) {
		if (pf->vf[vf].node_guid)
			d->ib.node_guid = cpu_to_be64(pf->vf[vf].node_guid);
		if (pf->vf[vf].port_guid)
			d->port[0].guid = pf->vf[vf].port_guid;
		if (pf->vf[vf].link_state == IFLA_VF_LINK_STATE_DISABLE)
			d->port[0].state = IB_PORT_DOWN;
	}
}

static void find_netdev(struct fake_dev *d)
{
	struct net_device *n;

	rtnl_lock();
	for_each_netdev (&init_net, n)
		if (n->dev.parent == &d->pdev->dev && !d->netdev)
			d->netdev = n;
	if (d->netdev)
		ib_device_set_netdev(&d->ib, d->netdev, 1);
	rtnl_unlock();
}

static struct fake_dev *add(struct pci_dev *pdev, bool roce, bool attached, const char *name)
{
	struct fake_dev *d = ib_alloc_device(fake_dev, ib);
	int ret;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->pdev = pci_dev_get(pdev);
	d->roce = roce;
	d->attached = attached;
	d->hold_speed = speed;
	d->ib.node_type = RDMA_NODE_IB_CA;
	d->ib.phys_port_cnt = roce ? 1 : clamp(ports, 1u, (uint)MAX_PORTS);
	d->ib.num_comp_vectors = 1;
	d->ib.dev.parent = &pdev->dev;
	snprintf(d->ib.node_desc, sizeof(d->ib.node_desc), "fake_hca %s", pci_name(pdev));
	ib_set_device_ops(&d->ib, &ops);
	ib_set_device_ops(&d->ib, roce ? &roce_ops : &ib_ops);
	d->ib.ops.driver_id = driver_id;
	mutex_lock(&devices_lock);
	give_guids(d);
	mutex_unlock(&devices_lock);
	if (roce)
		find_netdev(d); /* before the core looks for the GIDs of its addresses */
	ret = ib_register_device(&d->ib, name, NULL);
	if (ret) {
		if (roce)
			ib_device_set_netdev(&d->ib, NULL, 1);
		pci_dev_put(pdev);
		ib_dealloc_device(&d->ib);
		return ERR_PTR(ret);
	}
	mutex_lock(&devices_lock);
	list_add_tail(&d->list, &devices);
	mutex_unlock(&devices_lock);
	return d;
}

static void take_away(struct fake_dev *d) /* it is off the list */
{
	struct pci_dev *pdev = d->pdev;

	if (d->roce) {
		rtnl_lock();
		ib_device_set_netdev(&d->ib, NULL, 1);
		rtnl_unlock();
	}
	ib_unregister_device(&d->ib);
	ib_dealloc_device(&d->ib);
	pci_dev_put(pdev);
}

static struct fake_dev *off_list(const char *name, struct pci_dev *pdev, bool attached_only)
{
	struct fake_dev *d;

	mutex_lock(&devices_lock);
	d = find(name, pdev);
	if (d && attached_only && !d->attached)
		d = NULL;
	if (d)
		list_del(&d->list);
	mutex_unlock(&devices_lock);
	return d;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct fake_dev *d;
	int ret = pci_enable_device(pdev);

	if (ret)
		return ret;
	d = add(pdev, false, false, name_format);
	if (IS_ERR(d))
		pci_disable_device(pdev);
	return PTR_ERR_OR_ZERO(d);
}

static void remove(struct pci_dev *pdev)
{
	struct fake_dev *d;

	if (pdev->is_physfn)
		pci_disable_sriov(pdev);
	d = off_list(NULL, pdev, false);
	if (d)
		take_away(d);
	pci_disable_device(pdev);
}

static const struct pci_device_id ids[] = { { PCI_VDEVICE(INTEL, 0x10c9) },
					    { PCI_VDEVICE(INTEL, 0x10ca) },
					    {} };
static struct pci_driver driver = {
	.name = "fake_hca",
	.probe = probe,
	.remove = remove,
	.sriov_configure = pci_sriov_configure_simple,
};

/* An attached device goes before its PCI function does. */
static int pci_event(struct notifier_block *nb, unsigned long what, void *data)
{
	struct fake_dev *d = NULL;

	if (what == BUS_NOTIFY_DEL_DEVICE)
		d = off_list(NULL, to_pci_dev((struct device *)data), true);
	if (d)
		take_away(d);
	return NOTIFY_DONE;
}
static struct notifier_block pci_watch = { .notifier_call = pci_event };

/* A netdev that goes to another namespace unregisters and registers again, as far as notifiers see.
 */
static int netdev_event(struct notifier_block *nb, unsigned long what, void *data)
{
	struct net_device *n = netdev_notifier_info_to_dev(data);
	struct ib_event event = { .element.port_num = 1 };
	struct fake_dev *d;

	mutex_lock(&devices_lock);
	list_for_each_entry (d, &devices, list) {
		if (!d->roce)
			continue;
		if (what == NETDEV_UNREGISTER && d->netdev == n) {
			d->netdev = NULL;
			ib_device_set_netdev(&d->ib, NULL, 1);
		} else if (what == NETDEV_REGISTER && !d->netdev &&
			   n->dev.parent == &d->pdev->dev) {
			d->netdev = n;
			ib_device_set_netdev(&d->ib, n, 1);
		} else if ((what == NETDEV_UP || what == NETDEV_DOWN || what == NETDEV_CHANGE) &&
			   d->netdev == n) {
			event.device = &d->ib;
			event.event = netif_running(n) && netif_carrier_ok(n) ? IB_EVENT_PORT_ACTIVE
									      : IB_EVENT_PORT_ERR;
			ib_dispatch_event(&event);
		}
	}
	mutex_unlock(&devices_lock);
	return NOTIFY_DONE;
}
static struct notifier_block net_watch = { .notifier_call = netdev_event };

static int attach(const char *bdf, bool roce, const char *name)
{
	unsigned int domain, bus, slot, func;
	struct pci_dev *pdev;
	struct fake_dev *d;

	if (sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot, &func) != 4)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, func));
	if (!pdev)
		return -ENODEV;
	mutex_lock(&devices_lock);
	d = find(NULL, pdev);
	mutex_unlock(&devices_lock);
	d = d ? ERR_PTR(-EEXIST) : add(pdev, roce, true, name);
	pci_dev_put(pdev);
	return PTR_ERR_OR_ZERO(d);
}

static int control_set(const char *val, const struct kernel_param *kp)
{
	char verb[16] = "", a[64] = "", b[16] = "", c[64] = "", key[16] = "";
	struct ib_event event = {};
	struct fake_dev *d;
	unsigned int port = 0, index;
	u16 pkey;
	int n = sscanf(val, "%15s %63s %15s %63s %15s", verb, a, b, c, key), ret = -EINVAL;

	if (!strcmp(verb, "attach") && n >= 3)
		return attach(a, !strcmp(b, "roce"), n > 3 ? c : name_format);
	if (!strcmp(verb, "detach") && n == 2) {
		d = off_list(a, NULL, true);
		if (!d)
			return -ENODEV;
		take_away(d);
		return 0;
	}
	if (n < 4 || kstrtouint(b, 0, &port) || port < 1 || port > MAX_PORTS)
		return -EINVAL;
	mutex_lock(&devices_lock);
	d = find(a, NULL);
	if (!d || port > d->ib.phys_port_cnt) {
		ret = -ENODEV;
	} else if (!strcmp(verb, "port")) {
		change_port(d, port,
			    !strcmp(c, "active") ? IB_PORT_ACTIVE
			    : !strcmp(c, "init") ? IB_PORT_INIT
						 : IB_PORT_DOWN);
		ret = 0;
	} else if (!strcmp(verb, "pkey") && n == 5 && !kstrtouint(c, 0, &index) && index < PKEYS &&
		   !kstrtou16(key, 16, &pkey)) {
		d->port[port - 1].pkeys[index] = pkey;
		event.event = IB_EVENT_PKEY_CHANGE;
		event.device = &d->ib;
		event.element.port_num = port;
		ib_dispatch_event(&event);
		ret = 0;
	}
	mutex_unlock(&devices_lock);
	return ret;
}
static const struct kernel_param_ops control_ops = { .set = control_set };
module_param_cb(control, &control_ops, NULL, 0200);

static int __init fake_init(void)
{
	int ret;

	driver.id_table = claim ? ids : NULL;
	ret = bus_register_notifier(&pci_bus_type, &pci_watch);
	if (ret)
		return ret;
	ret = register_netdevice_notifier(&net_watch);
	if (ret)
		goto no_net;
	ret = pci_register_driver(&driver);
	if (!ret)
		return 0;
	unregister_netdevice_notifier(&net_watch);
no_net:
	bus_unregister_notifier(&pci_bus_type, &pci_watch);
	return ret;
}

static void __exit fake_exit(void)
{
	struct fake_dev *d, *next;

	pci_unregister_driver(&driver);
	unregister_netdevice_notifier(&net_watch);
	bus_unregister_notifier(&pci_bus_type, &pci_watch);
	list_for_each_entry_safe (d, next, &devices, list) {
		list_del(&d->list);
		take_away(d);
	}
}

module_init(fake_init);
module_exit(fake_exit);
MODULE_DESCRIPTION("RDMA devices without hardware");
MODULE_LICENSE("GPL");

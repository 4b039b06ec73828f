# A firewall that follows a policy: what the platform's owners forbid stands in the parent, what a team needs in the child.
# Inside a type of rule the parent comes first, whatever the priorities.
# Run it in the lab:   postern lab shell -c 'bash examples/policy.sh'
set -eu

GROUP=${GROUP:-team-rg}
REGION=${REGION:-eastus}

# Network: a subnet for the team, one for the firewall.
az group create --name "$GROUP" --location "$REGION"
az network vnet create -g "$GROUP" -n team-vnet --address-prefixes 10.52.0.0/16 --subnet-name team-subnet \
  --subnet-prefixes 10.52.1.0/24
az network vnet subnet create -g "$GROUP" --vnet-name team-vnet -n AzureFirewallSubnet --address-prefixes 10.52.2.0/24
az network public-ip create -g "$GROUP" -n team-ip --sku Standard
az network ip-group create -g "$GROUP" -n nodes --ip-addresses 10.52.1.0/25

# The parent: for everybody.
az network firewall policy create -g "$GROUP" -n platform
az network firewall policy rule-collection-group create -g "$GROUP" --policy-name platform -n never --priority 60000
az network firewall policy rule-collection-group collection add-filter-collection -g "$GROUP" --policy-name platform \
  --rule-collection-group-name never --name no-databases --collection-priority 60000 --action Deny --rule-type NetworkRule \
  --rule-name mysql --ip-protocols TCP --source-addresses '*' --destination-addresses '*' --destination-ports 3306

# The child: what the team adds.
az network firewall policy create -g "$GROUP" -n team --base-policy platform --enable-dns-proxy true
az network firewall policy rule-collection-group create -g "$GROUP" --policy-name team -n work --priority 100
az network firewall policy rule-collection-group collection add-filter-collection -g "$GROUP" --policy-name team \
  --rule-collection-group-name work --name region --collection-priority 100 --action Allow --rule-type NetworkRule \
  --rule-name services --ip-protocols TCP --source-addresses '*' --destination-addresses AzureCloud.eastus \
  --destination-ports 3306 9000
NODES=$(az network ip-group show -g "$GROUP" -n nodes --query id -o tsv)
az network firewall policy rule-collection-group collection add-filter-collection -g "$GROUP" --policy-name team \
  --rule-collection-group-name work --name names --collection-priority 200 --action Allow --rule-type ApplicationRule \
  --rule-name registry --protocols https=443 --source-ip-groups "$NODES" --target-fqdns mcr.microsoft.com '*.data.mcr.microsoft.com'

# The firewall, and the way to it.
az network firewall create -g "$GROUP" -n team-fw --firewall-policy team
az network firewall ip-config create -g "$GROUP" --firewall-name team-fw -n team-ipconfig --public-ip-address team-ip \
  --vnet-name team-vnet
FIREWALL_IP=$(az network firewall show -g "$GROUP" -n team-fw --query "ipConfigurations[0].privateIPAddress" -o tsv)
az network route-table create -g "$GROUP" -n team-routes
az network route-table route create -g "$GROUP" --route-table-name team-routes -n default --address-prefix 0.0.0.0/0 \
  --next-hop-type VirtualAppliance --next-hop-ip-address "$FIREWALL_IP"
az network vnet update -g "$GROUP" -n team-vnet --dns-servers "$FIREWALL_IP"
az network vnet subnet update -g "$GROUP" --vnet-name team-vnet -n team-subnet --route-table team-routes

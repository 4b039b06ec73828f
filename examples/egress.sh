# An AKS-style egress set-up, typed as one would type it against Azure: a VNet with a subnet for the cluster and one for
# the firewall, rules for what a cluster needs, and a route table that sends everything else through the firewall.
# Run it in the lab:   postern lab shell -c 'bash examples/egress.sh'
set -eu

GROUP=${GROUP:-egress-rg}
REGION=${REGION:-eastus}
VNET=egress-vnet
FIREWALL=egress-fw
BACKEND=${BACKEND:-10.42.1.80}

az group create --name "$GROUP" --location "$REGION"

az network vnet create -g "$GROUP" -n "$VNET" --location "$REGION" \
  --address-prefixes 10.42.0.0/16 --subnet-name aks-subnet --subnet-prefix 10.42.1.0/24
az network vnet subnet create -g "$GROUP" --vnet-name "$VNET" -n AzureFirewallSubnet --address-prefix 10.42.2.0/24

az network public-ip create -g "$GROUP" -n egress-ip --location "$REGION" --sku Standard
az extension add --name azure-firewall
az network firewall create -g "$GROUP" -n "$FIREWALL" --location "$REGION" --enable-dns-proxy true
az network firewall ip-config create -g "$GROUP" --firewall-name "$FIREWALL" -n egress-ipconfig \
  --public-ip-address egress-ip --vnet-name "$VNET"

PUBLIC_IP=$(az network public-ip show -g "$GROUP" -n egress-ip --query ipAddress -o tsv)
PRIVATE_IP=$(az network firewall show -g "$GROUP" -n "$FIREWALL" --query 'ipConfigurations[0].privateIPAddress' -o tsv)

az network route-table create -g "$GROUP" -n egress-routes --location "$REGION"
az network route-table route create -g "$GROUP" --route-table-name egress-routes -n to-firewall \
  --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address "$PRIVATE_IP"
az network route-table route create -g "$GROUP" --route-table-name egress-routes -n firewall-itself \
  --address-prefix "$PUBLIC_IP/32" --next-hop-type Internet

az network firewall network-rule create -g "$GROUP" -f "$FIREWALL" --collection-name aksfwnr --priority 100 --action allow \
  --name apiudp --protocols UDP --source-addresses '*' --destination-addresses "AzureCloud.$REGION" --destination-ports 1194
az network firewall network-rule create -g "$GROUP" -f "$FIREWALL" --collection-name aksfwnr \
  --name apitcp --protocols TCP --source-addresses '*' --destination-addresses "AzureCloud.$REGION" --destination-ports 9000
az network firewall network-rule create -g "$GROUP" -f "$FIREWALL" --collection-name aksfwnr \
  --name time --protocols UDP --source-addresses '*' --destination-fqdns ntp.ubuntu.com --destination-ports 123
az network firewall network-rule create -g "$GROUP" -f "$FIREWALL" --collection-name aksfwnr \
  --name ghcr --protocols TCP --source-addresses '*' --destination-fqdns ghcr.io pkg-containers.githubusercontent.com --destination-ports 443
az network firewall network-rule create -g "$GROUP" -f "$FIREWALL" --collection-name aksfwnr \
  --name docker --protocols TCP --source-addresses '*' --destination-fqdns docker.io registry-1.docker.io production.cloudflare.docker.com \
  --destination-ports 443

az network firewall application-rule create -g "$GROUP" -f "$FIREWALL" --collection-name aksfwar --priority 100 --action allow \
  --name fqdn --source-addresses '*' --protocols http=80 https=443 --fqdn-tags AzureKubernetesService

az network vnet subnet update -g "$GROUP" --vnet-name "$VNET" -n aks-subnet --route-table egress-routes

az network firewall nat-rule create -g "$GROUP" -f "$FIREWALL" --collection-name inbound --priority 100 --action Dnat \
  --name web --protocols Any --source-addresses '*' --destination-addresses "$PUBLIC_IP" --destination-ports 80 \
  --translated-address "$BACKEND" --translated-port 80
